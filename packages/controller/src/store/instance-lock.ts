import { TorchpassError } from '@torchpass/core';
import SqliteDatabase from 'better-sqlite3';

export interface InstanceLock {
  release(): void;
}

/**
 * One controller on a storage folder. The lock is SQLite's own lock on a small file beside the database: the kernel
 * frees it when the process dies in whatever way, so there is nothing stale to clean up.
 */
export function takeInstanceLock(path: string): InstanceLock {
  const file = new SqliteDatabase(path, { timeout: 0 });
  try {
    file.pragma('journal_mode = DELETE');
    file.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
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
