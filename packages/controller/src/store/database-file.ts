import { reasonOf, systemCodeOf, TorchpassError } from '@torchpass/core';
import SqliteDatabase from 'better-sqlite3';
import { closeSync, openSync } from 'node:fs';

/** Hashes of tokens and sealed keys: for nobody else. SQLite gives its journals the mode of the database. */
const MODE = 0o600;

/** Opens an SQLite file, made for this user alone when it is not there. `STORE_UNAVAILABLE`. */
export function openDatabaseFile(path: string, busyTimeoutMs: number): SqliteDatabase.Database {
  try {
    makeFile(path);
    return new SqliteDatabase(path, { timeout: busyTimeoutMs });
  } catch (error) {
    throw unusable(path, error);
  }
}

/** Never opens one that is there: closing it would free every lock that this process holds on it (fcntl(2)). */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'ax', MODE));
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
}

export function unusable(path: string, error: unknown): TorchpassError {
  return new TorchpassError('STORE_UNAVAILABLE', `The database ${path} cannot be opened: ${reasonOf(error)}.`, {
    cause: error,
    hint: 'Check that the folder exists, that this user may write there, and that the disk is not full.',
  });
}
