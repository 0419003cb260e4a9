import { sql, type Kysely } from 'kysely';
import type { MigrationContext } from './index.ts';

export async function up(db: Kysely<unknown>, { binary }: MigrationContext): Promise<void> {
  await db.schema.alterTable('authorities').addColumn('issued_by', 'text').execute();
  await db.schema.alterTable('authorities').addColumn('tbs', binary).execute();
  for (const column of ['distributed_at', 'activated_at', 'retired_at', 'dropped_at', 'gone_at']) {
    await db.schema.alterTable('authorities').addColumn(column, 'text').execute();
  }
  await sql`update authorities set activated_at = created_at`.execute(db);
  await sql`update authorities set issued_by = (select id from authorities where role = 'root') where role != 'root'`.execute(
    db,
  );

  await db.schema
    .createTable('authority_drafts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('role', 'text', (column) => column.notNull().unique())
    .addColumn('key_reference', 'text', (column) => column.notNull())
    .addColumn('issued_by', 'text')
    .addColumn('tbs', binary, (column) => column.notNull())
    .addColumn('not_before', 'text', (column) => column.notNull())
    .addColumn('not_after', 'text', (column) => column.notNull())
    .addColumn('reserved_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('rotations')
    .addColumn('role', 'text', (column) => column.primaryKey())
    .addColumn('mode', 'text', (column) => column.notNull())
    .addColumn('left_behind', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('started_at', 'text', (column) => column.notNull())
    .execute();

  await db.schema.alterTable('hosts').addColumn('roots_digest', 'text').execute();
  await db.schema.alterTable('hosts').addColumn('identity_serial', 'text').execute();
  await db.schema.alterTable('exporters').addColumn('scrapers_digest', 'text').execute();
  await db.schema.alterTable('join_tokens').addColumn('root_ids', 'text').execute();
  await sql`update join_tokens set root_ids = (select json_group_array(id) from authorities where role = 'root')`.execute(
    db,
  );
}
