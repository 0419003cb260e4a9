import { TorchpassError } from '@torchpass/core';
import SqliteDatabase from 'better-sqlite3';
import { openDatabaseFile, unusable } from './database-file.ts';

export interface InstanceLock {
  release(): void;
}

/**
 * One controller on a storage folder. The lock is SQLite's own lock on a small file beside the database: the kernel
 * frees it when the process dies in whatever way, so there is nothing stale to clean up.
 */
export function takeInstanceLock(path: string): InstanceLock {
  const file = openDatabaseFile(path, 0);
  try {
    file.pragma('journal_mode = DELETE');
    file.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    if (!isBusy(error)) throw unusable(path, error);
    throw new TorchpassError('ALREADY_RUNNING', `Another controller is at work on this storage (${path} is locked).`, {
      cause: error,
      hint: 'Stop that one first; two would hand out the same things twice.',
    });
  }
  return {
    release() {
      if (!file.open) return;
      file.exec('ROLLBACK');
      file.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof SqliteDatabase.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
