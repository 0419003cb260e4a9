import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('join_tokens')
    .addColumn('approval', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema.createIndex('token_uses_host').on('token_uses').column('host_id').execute();
}
