import type { Kysely } from 'kysely';

/** Rows from before have no MAC, and are refused: nobody can make one without the passphrase. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ['authorities', 'authority_drafts', 'rotations', 'certificates', 'join_tokens', 'hosts']) {
    await db.schema
      .alterTable(table)
      .addColumn('mac', 'text', (column) => column.notNull().defaultTo(''))
      .execute();
  }
}
