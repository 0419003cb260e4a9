import { isTorchpassError, TorchpassError } from '@torchpass/core';

/** An option as data: how it is written, and what becomes of the values that were given. */
export interface OptionSpec<T> {
  /** As in the help: `--label NAME=VALUE`, `--yes`. */
  flags: string;
  summary: string;
  read(values: readonly string[]): T;
}

export interface ArgumentSpec<T> {
  /** As in the help: `NAME`; `NAME...` for any number. */
  placeholder: string;
  summary: string;
  required: boolean;
  read(value: string | undefined): T;
}

const same = (value: string) => value;

export function textOption(flags: string, summary: string): OptionSpec<string | undefined> {
  return valueOption(flags, summary, same);
}

export function valueOption<T>(flags: string, summary: string, read: (value: string) => T): OptionSpec<T | undefined> {
  return {
    flags,
    summary,
    read([value, ...more]) {
      if (more.length > 0) throw new TorchpassError('USAGE', `Option ${nameOf(flags)} is given more than once.`);
      return value === undefined ? undefined : explained(`Option ${nameOf(flags)}`, () => read(value));
    },
  };
}

/** May be repeated. */
export function listOption(flags: string, summary: string): OptionSpec<string[]> {
  return { flags, summary: `${summary}; may be repeated`, read: (values) => [...values] };
}

export function switchOption(flags: string, summary: string): OptionSpec<boolean> {
  return { flags, summary, read: (values) => values.length > 0 };
}

export function requiredArgument(
  placeholder: string,
  summary: string,
  read: (value: string) => string = same,
): ArgumentSpec<string> {
  return {
    placeholder,
    summary,
    required: true,
    // The parser has refused a missing one before.
    read: (value = '') => explained(`Argument ${placeholder}`, () => read(value)),
  };
}

export function optionalArgument(
  placeholder: string,
  summary: string,
  read: (value: string) => string = same,
): ArgumentSpec<string | undefined> {
  return {
    placeholder,
    summary,
    required: false,
    read: (value) => (value === undefined ? undefined : explained(`Argument ${placeholder}`, () => read(value))),
  };
}

/** Any number of values, also none. */
export function listArgument(
  placeholder: string,
  summary: string,
  read: (value: string) => string = same,
): ArgumentSpec<string[]> {
  return {
    placeholder: `${placeholder}...`,
    summary,
    required: false,
    // The parser puts a space between them, which no name has.
    read: (value = '') =>
      explained(`Argument ${placeholder}`, () => (value === '' ? [] : value.split(' ').map((one) => read(one)))),
  };
}

export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new TorchpassError('USAGE', `${JSON.stringify(text)} is not a whole number.`);
}

function nameOf(flags: string): string {
  return flags.split(' ')[0] ?? flags;
}

/** What is wrong with a value is wrong usage of this command line, wherever the rule comes from. */
function explained<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    throw new TorchpassError('USAGE', `${where}: ${error.message}`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
