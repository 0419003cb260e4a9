import type { Kysely } from 'kysely';

/** A private key may be elsewhere than in the database: what is stored says where. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('authorities').renameColumn('sealed_key', 'key_reference').execute();
}
