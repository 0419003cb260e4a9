import { ERROR_KINDS, type ErrorCode, type ErrorKind } from './table.ts';

export interface ErrorDetails {
  /** What went wrong underneath; for the log, never shown to a remote caller. */
  cause?: unknown;
  /** What to do next, as a sentence. */
  hint?: string;
}

/**
 * The one error class. The message is a sentence for the user that names the thing and the place; `hint` is the
 * next step. Neither may hold a secret.
 */
export class TorchpassError extends Error {
  override readonly name = 'TorchpassError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }

  get kind(): ErrorKind {
    return ERROR_KINDS[this.code];
  }

  /** Message and next step as one text. */
  get sentence(): string {
    return this.hint === undefined ? this.message : `${this.message} ${this.hint}`;
  }
}

/** Whether `error` is ours, and if codes are given, one of those. */
export function isTorchpassError(error: unknown, ...codes: ErrorCode[]): error is TorchpassError {
  return error instanceof TorchpassError && (codes.length === 0 || codes.includes(error.code));
}

/** An unknown error becomes INTERNAL: its text goes to the log as the cause and nowhere else. */
export function toTorchpassError(error: unknown): TorchpassError {
  return error instanceof TorchpassError
    ? error
    : new TorchpassError('INTERNAL', 'An internal error occurred.', { cause: error, hint: 'The log has the details.' });
}

/** Exit codes of every program: 0 ok, 1 failed, 2 wrong usage, 3 refused by policy or authentication, 4 cannot reach the controller. */
export function exitCodeOf(error: TorchpassError): 1 | 2 | 3 | 4 {
  switch (error.kind) {
    case 'usage':
      return 2;
    case 'refused':
    case 'unauthenticated':
      return 3;
    case 'unavailable':
      return error.code === 'CONTROLLER_UNREACHABLE' ? 4 : 1;
    case 'invalid':
    case 'not-found':
    case 'conflict':
    case 'exhausted':
    case 'failed':
    case 'internal':
      return 1;
  }
}

/** The text of a system error without its stack: `ENOSPC: no space left on device, write`. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node.js system error, such as `ENOENT`; undefined for anything else, our own errors too. */
export function systemCodeOf(error: unknown): string | undefined {
  if (error instanceof TorchpassError) return undefined;
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
