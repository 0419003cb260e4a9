import type { Clock } from '@torchpass/core';
import type SqliteDatabase from 'better-sqlite3';
import { Kysely, type Dialect, type Transaction } from 'kysely';
import { openDatabaseFile, unusable } from './database-file.ts';
import { migrate } from './migrate.ts';
import type { Tables } from './schema.ts';
import { sqliteDialect, type Databases } from './sqlite-dialect.ts';

/** Queries go through this; a transaction is `store.transaction().execute(…)`. */
export type Store = Kysely<Tables>;
/** Either the store or a transaction on it. */
export type Queries = Store | Transaction<Tables>;

export interface StoreOptions {
  /** Path of the database file. */
  path: string;
  clock: Clock;
  /** Wraps the dialect; crash tests put themselves between. */
  wrap?: ((dialect: Dialect) => Dialect) | undefined;
}

const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens the SQLite database and brings it up to date. Write-ahead log with `synchronous=FULL`: what was
 * acknowledged survives a power cut. `STORE_UNAVAILABLE` when the file cannot be opened or is not ours.
 */
export async function openStore({ path, clock, wrap = (dialect) => dialect }: StoreOptions): Promise<Store> {
  const databases = openBoth(path);
  const store: Store = new Kysely<Tables>({ dialect: wrap(sqliteDialect(databases)) });
  try {
    await migrate(store as unknown as Kysely<unknown>, { binary: 'blob', clock });
  } catch (error) {
    await store.destroy();
    throw error;
  }
  return store;
}

function openBoth(path: string): Databases {
  const writer = openDatabase(path);
  try {
    const reader = openDatabase(path);
    reader.pragma('query_only = ON');
    return { writer, reader };
  } catch (error) {
    writer.close();
    throw error;
  }
}

function openDatabase(path: string): SqliteDatabase.Database {
  const database = openDatabaseFile(path, BUSY_TIMEOUT_MS);
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    // The sealed key of an authority that is gone does not stay behind in free pages.
    database.pragma('secure_delete = ON');
    database.pragma('trusted_schema = OFF');
    database.pragma('cell_size_check = ON');
    return database;
  } catch (error) {
    database.close();
    throw unusable(path, error);
  }
}
