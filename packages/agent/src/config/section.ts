import { isTorchpassError, nearest, TorchpassError } from '@torchpass/core';

/**
 * One mapping of the configuration file, read key by key. Every complaint is CONFIG_INVALID and names the file and
 * the key; a key that nobody knows is a complaint too, with the nearest one that is known.
 */
export class Section {
  readonly #place: string;
  readonly #prefix: string;
  readonly #values: Record<string, unknown>;

  /** `place` is the file; `prefix` is put before each key, for example `exporters[0].`. */
  constructor(place: string, prefix: string, value: unknown, known: readonly string[]) {
    this.#place = place;
    this.#prefix = prefix;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const what = prefix === '' ? 'The file' : `The entry ${prefix.replace(/\.$/, '')}`;
      throw new TorchpassError('CONFIG_INVALID', `${place}: ${what} has to be a mapping of keys to values.`);
    }
    this.#values = { ...value };
    for (const key of Object.keys(this.#values)) {
      if (known.includes(key)) continue;
      const similar = nearest(key, known);
      throw new TorchpassError('CONFIG_INVALID', `${place}: the key ${JSON.stringify(prefix + key)} is not known.`, {
        hint: similar === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${JSON.stringify(similar)}?`,
      });
    }
  }

  /** An error about `key`, for rules that the caller checks. */
  wrong(key: string, why: string, hint?: string): TorchpassError {
    const message = `${this.#place}: ${this.#prefix}${key} ${why}.`;
    return new TorchpassError('CONFIG_INVALID', message, hint === undefined ? {} : { hint });
  }

  /** A text, handed to `read`, whose complaint is told together with the place. */
  text<T>(key: string, read: (text: string) => T): T | undefined {
    const value = this.#values[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string')
      throw this.wrong(key, `has to be a text, not ${describe(value)}`, 'Put it in quotes.');
    try {
      return read(value);
    } catch (error) {
      throw this.#misread(key, error);
    }
  }

  /** As `text`, for what has to be looked up. */
  async lookedUp<T>(key: string, look: (text: string) => Promise<T>): Promise<T | undefined> {
    const text = this.text(key, (value) => value);
    if (text === undefined) return undefined;
    return look(text).catch((error: unknown) => {
      throw this.#misread(key, error);
    });
  }

  #misread(key: string, error: unknown): TorchpassError {
    if (!isTorchpassError(error)) throw error;
    return this.wrong(key, `is wrong: ${error.message.replace(/\.$/, '')}`, error.hint);
  }

  integer(key: string, lowest: number, highest: number): number | undefined {
    const value = this.#values[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= lowest && value <= highest) return value;
    throw this.wrong(key, `has to be a whole number from ${lowest} to ${highest}, not ${describe(value)}`);
  }

  /** A list of texts: arguments of a program. */
  texts(key: string): string[] | undefined {
    const value = this.list(key);
    return value?.map((item, index) => {
      if (typeof item === 'string' && !item.includes('\0')) return item;
      throw this.wrong(`${key}[${index}]`, `has to be a text, not ${describe(item)}`, 'Put it in quotes.');
    });
  }

  list(key: string): unknown[] | undefined {
    const value = this.#values[key];
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value)) throw this.wrong(key, `has to be a list, not ${describe(value)}`);
    return [...(value as unknown[])];
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  return JSON.stringify(value);
}
