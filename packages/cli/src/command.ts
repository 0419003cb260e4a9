import type { Clock, Files } from '@torchpass/core';
import type { Api } from './api/api.ts';
import type { ArgumentSpec, OptionSpec } from './option.ts';
import type { Page } from './print/page.ts';
import { printable } from './print/printable.ts';

/** What a command may use. */
export interface Context {
  api: Api;
  clock: Clock;
  files: Files;
  /** The folder that relative paths are from. */
  folder: string;
  /** All of standard input. */
  readInput(): Promise<Buffer>;
  /** Tells a waiting person what is going on; says nothing when nobody watches. */
  progress(sentence: string): void;
}

export interface Example {
  line: string;
  shows: string;
}

type Options = Record<string, OptionSpec<unknown>>;
type Arguments = Record<string, ArgumentSpec<unknown>>;
type Read<Specs> = { [Name in keyof Specs]: Specs[Name] extends { read: (...given: never[]) => infer T } ? T : never };

export type Input<O, A> = Read<O> & Read<A>;

export interface Definition<O extends Options, A extends Arguments, Data> {
  /** `token create`. */
  name: string;
  summary: string;
  /** More for the help, as sentences. */
  details?: string;
  examples: readonly Example[];
  arguments: A;
  options: O;
  /** The question before something that cannot be undone, or undefined when there is nothing to ask; asked on a terminal, elsewhere `--yes` has to be given. */
  confirm?(input: Input<O, A>): string | undefined;
  /** Does it. What comes back is printed as JSON as it is. */
  run(context: Context, input: Input<O, A>): Promise<Data>;
  /** The same for people. Every text in `data` is safe to show on a terminal. */
  print(data: Data, page: Page): void;
  /** Output formats besides text and json. */
  formats?: Readonly<Record<string, (data: Data) => string>>;
  /** Whether what came back means that the program has to fail (exit code 1). */
  failed?(data: Data): boolean;
}

export interface Outcome {
  data: unknown;
  print(page: Page): void;
  formatted(format: string): string | undefined;
  failed: boolean;
}

export interface Task {
  confirm: string | undefined;
  run(context: Context): Promise<Outcome>;
}

/** What was given on the command line, by the names in `options` and `arguments`. */
export interface Given {
  options: Readonly<Record<string, readonly string[]>>;
  arguments: Readonly<Record<string, string | undefined>>;
}

/** A command whose own types are closed over. */
export interface Command {
  name: string;
  summary: string;
  details: string | undefined;
  examples: readonly Example[];
  arguments: Arguments;
  options: Options;
  /** Names of the output formats, the default first. */
  formats: readonly string[];
  confirms: boolean;
  /** Reads the command line. @throws USAGE */
  prepare(given: Given): Task;
}

export function command<O extends Options, A extends Arguments, Data>(definition: Definition<O, A, Data>): Command {
  const { name, summary, details, examples, options, formats = {} } = definition;
  return {
    name,
    summary,
    details,
    examples,
    arguments: definition.arguments,
    options,
    formats: ['text', 'json', ...Object.keys(formats)],
    confirms: definition.confirm !== undefined,
    prepare(given) {
      const input = Object.fromEntries([
        ...Object.entries(options).map(([key, option]) => [key, option.read(given.options[key] ?? [])]),
        ...Object.entries(definition.arguments).map(([key, argument]) => [key, argument.read(given.arguments[key])]),
      ]) as Input<O, A>;
      return {
        confirm: definition.confirm?.(input),
        async run(context) {
          const data = await definition.run(context, input);
          return {
            data,
            print: (page) => definition.print(printable(data), page),
            formatted: (format) => (Object.hasOwn(formats, format) ? formats[format]?.(data) : undefined),
            failed: definition.failed?.(data) ?? false,
          };
        },
      };
    },
  };
}
