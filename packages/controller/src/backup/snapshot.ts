import SqliteDatabase from 'better-sqlite3';
import { existsSync } from 'node:fs';
import { TorchpassError } from '@torchpass/core';
import { EMPTY, headText } from '../audit/chain.ts';
import { unusable } from '../store/database-file.ts';

const BUSY_TIMEOUT_MS = 30_000;

/**
 * Writes a copy of the database as it is at one moment, the log included, beside a running controller too: one read
 * transaction, which no writer waits for. The copy is compact and in one file. It has to be made in a folder of our own: SQLite
 * gives it the mode that the umask leaves.
 */
export function takeSnapshot(path: string, copy: string): void {
  let database: SqliteDatabase.Database | undefined;
  try {
    // While somebody has it open, looking is enough; else whoever opens it finishes what a crash left in the log.
    database = new SqliteDatabase(path, {
      readonly: existsSync(`${path}-shm`),
      fileMustExist: true,
      timeout: BUSY_TIMEOUT_MS,
    });
    database.prepare('VACUUM INTO ?').run(copy);
  } catch (error) {
    throw unusable(path, error);
  } finally {
    database?.close();
  }
}

export interface Described {
  trust_domain: string;
  /** NUMBER:MAC of the audit log's last entry. */
  audit_head: string;
}

/** What a snapshot is of. `NOT_INITIALIZED`. */
export function describeSnapshot(copy: string): Described {
  const database = new SqliteDatabase(copy, { readonly: true, fileMustExist: true });
  try {
    const has = (table: string) =>
      database.prepare(`select 1 from sqlite_schema where type = 'table' and name = ?`).get(table) !== undefined;
    const installation = has('installation')
      ? database.prepare('select trust_domain from installation').get()
      : undefined;
    if (installation === undefined) {
      throw new TorchpassError('NOT_INITIALIZED', 'This storage has no authorities yet.', {
        hint: 'Run: torchpass-controller init',
      });
    }
    const head = has('audit_head') ? database.prepare('select number, mac from audit_head').get() : undefined;
    return {
      ...(installation as { trust_domain: string }),
      audit_head: headText((head as typeof EMPTY | undefined) ?? EMPTY),
    };
  } finally {
    database.close();
  }
}
