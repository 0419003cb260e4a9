import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { MigrationContext } from './index.ts';

export async function up(db: Kysely<unknown>, { binary }: MigrationContext): Promise<void> {
  await db.schema.alterTable('certificates').addColumn('revocation_reason', 'text').execute();
  // What was revoked before reasons were kept.
  await sql`update certificates set revocation_reason = 'unspecified' where revoked_at is not null`.execute(db);
  await db.schema
    .createIndex('certificates_revoked')
    .on('certificates')
    .columns(['authority_id', 'not_after'])
    .where(sql.ref('revoked_at'), 'is not', null)
    .execute();
  await db.schema
    .createTable('revocation_lists')
    .addColumn('authority_id', 'text', (column) => column.primaryKey().references('authorities.id'))
    .addColumn('reserved_number', 'integer', (column) => column.notNull())
    .addColumn('crl', binary)
    .addColumn('number', 'integer')
    .addColumn('this_update', 'text')
    .addColumn('next_update', 'text')
    .addColumn('content', 'text')
    .execute();

  const counter = (table: string, column: string) =>
    db.schema
      .alterTable(table)
      .addColumn(column, 'integer', (definition) => definition.notNull().defaultTo(0))
      .execute();
  await counter('installation', 'restart_generation');
  await counter('exporters', 'started_for');
  await counter('exporters', 'refused_for');
  await db.schema.alterTable('exporters').addColumn('refusal_problem', 'text').execute();
  await db.schema
    .createTable('scraper_revocations')
    .addColumn('generation', 'integer', (column) => column.primaryKey())
    .addColumn('revoked_at', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('authority_id', 'text', (column) => column.notNull().references('authorities.id'))
    .addColumn('knock_certificate', 'text', (column) => column.notNull())
    .addColumn('knock_key', 'text', (column) => column.notNull())
    .addColumn('knock_not_after', 'text', (column) => column.notNull())
    .execute();
}
