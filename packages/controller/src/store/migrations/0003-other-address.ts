import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('hosts').addColumn('other_address', 'text').execute();
  await db.schema.alterTable('hosts').addColumn('other_seen_at', 'text').execute();
}
