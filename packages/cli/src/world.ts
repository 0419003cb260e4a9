import type { Clock, Files } from '@torchpass/core';

/** Where the program writes text. */
export interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

export interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
}

/** Everything outside of the program; `main.ts` gives the real one. */
export interface World {
  environment: Record<string, string | undefined>;
  input: Input;
  output: Output;
  errors: Output;
  clock: Clock;
  files: Files;
  /** The working folder. */
  folder: string;
}
