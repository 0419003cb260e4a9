import { systemCodeOf, TorchpassError } from '@torchpass/core';

/** What SQLite cannot help, by the beginning of its result codes (https://sqlite.org/rescode.html), and what is to be done. */
const TROUBLES: readonly [code: string, why: string, hint: string][] = [
  ['SQLITE_FULL', 'the disk is full', 'Make room; the controller goes on by itself.'],
  ['SQLITE_BUSY', 'another program keeps it locked', 'End that program; the controller goes on by itself.'],
  ['SQLITE_READONLY', 'it cannot be written to', 'Check that its file system is not mounted read-only.'],
  ['SQLITE_IOERR', 'its disk fails', 'Check the disk, and the free space on it.'],
];

/** The same error, or STORE_UNAVAILABLE in its place when the machine is to blame and not the statement. */
export function inWords(error: unknown): unknown {
  const code = systemCodeOf(error) ?? '';
  const trouble = TROUBLES.find(([beginning]) => code.startsWith(beginning));
  if (trouble === undefined) return error;
  const [, why, hint] = trouble;
  return new TorchpassError('STORE_UNAVAILABLE', `The controller cannot use its database: ${why}.`, {
    cause: error,
    hint,
  });
}
