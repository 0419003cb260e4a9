import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit_log')
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('at', 'text', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('details', 'text', (column) => column.notNull())
    .addColumn('mac', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('audit_log_event').on('audit_log').columns(['event', 'number']).execute();
  await db.schema.createIndex('audit_log_subject').on('audit_log').columns(['subject', 'number']).execute();
  await db.schema
    .createTable('audit_head')
    .addColumn('id', 'integer', (column) => column.primaryKey().check(sql`id = 1`))
    .addColumn('number', 'integer', (column) => column.notNull())
    .addColumn('mac', 'text', (column) => column.notNull())
    .addColumn('pruned_number', 'integer', (column) => column.notNull())
    .addColumn('pruned_mac', 'text', (column) => column.notNull())
    .addColumn('head_mac', 'text', (column) => column.notNull())
    .execute();
  for (const trigger of TRIGGERS) await sql.raw(trigger).execute(db);
}

/** Against mistakes in our own code: pruning moves `pruned_number` first, and only then may what is below it go. */
const TRIGGERS = [
  `CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
   BEGIN SELECT RAISE(ABORT, 'an entry of the audit log is never changed'); END`,
  `CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
   WHEN OLD.number > coalesce((SELECT pruned_number FROM audit_head), 0)
   BEGIN SELECT RAISE(ABORT, 'an entry of the audit log is removed by pruning only'); END`,
  `CREATE TRIGGER audit_log_in_order BEFORE INSERT ON audit_log
   WHEN NEW.number <> coalesce((SELECT number FROM audit_head), 0) + 1
   BEGIN SELECT RAISE(ABORT, 'entries of the audit log follow one another'); END`,
  `CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
   BEGIN SELECT RAISE(ABORT, 'the head of the audit log is never removed'); END`,
];
