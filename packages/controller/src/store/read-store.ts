import SqliteDatabase from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unusable } from './database-file.ts';
import type { Tables } from './schema.ts';
import type { Store } from './store.ts';

const BUSY_TIMEOUT_MS = 5000;

/**
 * Lets `work` look at the database, beside a running controller too. Nothing can be changed, no migration runs, and no
 * file appears or goes beside the database, whoever runs this. `STORE_UNAVAILABLE` when it cannot be read.
 *
 * Even a reader of a write-ahead log makes the log's files when they are missing, and cannot remove them. They are missing
 * only while nobody has the database open: then a private copy is read.
 */
export async function readStore<T>(path: string, work: (store: Store) => Promise<T>): Promise<T> {
  if (isOpened(path)) return readAt(path, work);
  const folder = await mkdtemp(join(tmpdir(), 'torchpass-'));
  try {
    const copy = join(folder, 'torchpass.db');
    await copyDatabase(path, copy);
    // Who opened it meanwhile may have written while it was copied.
    return await readAt(isOpened(path) ? path : copy, work);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** SQLite's shared memory is there while somebody has the database open, and after such a process was killed. */
function isOpened(path: string): boolean {
  return existsSync(`${path}-shm`);
}

async function copyDatabase(path: string, copy: string): Promise<void> {
  try {
    await copyFile(path, copy);
    if (existsSync(`${path}-wal`)) await copyFile(`${path}-wal`, `${copy}-wal`);
  } catch (error) {
    throw unusable(path, error);
  }
}

async function readAt<T>(path: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = new Kysely<Tables>({ dialect: new SqliteDialect({ database: open(path) }) });
  try {
    return await work(store);
  } finally {
    await store.destroy();
  }
}

function open(path: string): SqliteDatabase.Database {
  let database: SqliteDatabase.Database | undefined;
  try {
    database = new SqliteDatabase(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    database.pragma('trusted_schema = OFF');
    database.pragma('cell_size_check = ON');
    // The first look at the content: here it shows whether this is a database at all.
    database.pragma('schema_version');
    return database;
  } catch (error) {
    database?.close();
    throw unusable(path, error);
  }
}
