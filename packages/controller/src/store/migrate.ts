import { TorchpassError, type Clock } from '@torchpass/core';
import { sql, type ColumnDataType, type Kysely } from 'kysely';
import { MIGRATIONS } from './migrations/index.ts';

type MigrationTables = { schema_migrations: { name: string; applied_at: string } };

/** Brings the schema up to date, each migration in a transaction with the note that it was applied. */
export async function migrate(db: Kysely<unknown>, options: { binary: ColumnDataType; clock: Clock }): Promise<void> {
  const notes = db.withTables<MigrationTables>();
  await notes.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('applied_at', 'text', (column) => column.notNull().defaultTo(sql`''`))
    .execute();
  const applied = new Set(await appliedTo(notes));
  refuseNewer(applied);
  for (const { name, up } of MIGRATIONS) {
    if (applied.has(name)) continue;
    await notes.transaction().execute(async (transaction) => {
      await up(transaction as unknown as Kysely<unknown>, options);
      const applied_at = options.clock.now().toISOString();
      await transaction.insertInto('schema_migrations').values({ name, applied_at }).execute();
    });
  }
}

/**
 * Whether the schema is the one that this version works with; changes nothing. `STORE_NEWER`, `STORE_OLDER`, and
 * `NOT_INITIALIZED` for a database that never had a migration.
 */
export async function checkMigrations(db: Kysely<unknown>): Promise<void> {
  const tables = await db.introspection.getTables();
  const hasNotes = tables.some(({ name }) => name === 'schema_migrations');
  const applied = new Set(hasNotes ? await appliedTo(db.withTables<MigrationTables>()) : []);
  refuseNewer(applied);
  if (applied.size === 0) {
    throw new TorchpassError('NOT_INITIALIZED', 'The database is empty.', { hint: 'Run: torchpass-controller init' });
  }
  const pending = MIGRATIONS.map(({ name }) => name).filter((name) => !applied.has(name));
  if (pending.length === 0) return;
  throw new TorchpassError(
    'STORE_OLDER',
    `The database was written by an older Torchpass (it lacks "${pending.join('", "')}").`,
    { hint: 'The controller brings it up to date when it starts; nothing was changed.' },
  );
}

async function appliedTo(notes: Kysely<MigrationTables>): Promise<string[]> {
  return (await notes.selectFrom('schema_migrations').select('name').execute()).map(({ name }) => name);
}

/** A database of a later version is not touched: a column this version ignores could be one that protects something. */
function refuseNewer(applied: ReadonlySet<string>): void {
  const known = new Set(MIGRATIONS.map(({ name }) => name));
  const unknown = [...applied].find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new TorchpassError('STORE_NEWER', `The database was written by a newer Torchpass (it has "${unknown}").`, {
    hint: 'Install that version again; nothing was changed.',
  });
}
