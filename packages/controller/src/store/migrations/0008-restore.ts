import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('restores')
    .addColumn('epoch', 'integer', (column) => column.primaryKey())
    .addColumn('backup_at', 'text', (column) => column.notNull())
    .addColumn('restored_at', 'text', (column) => column.notNull())
    .addColumn('adopt_until', 'text', (column) => column.notNull())
    .execute();
}
