import { sql, type Kysely } from 'kysely';

/** Names that a host holds on to: everything but what has ended. Later states are live unless they are named here. */
const LIVE = sql`state not in ('revoked', 'left', 'rejected', 'expired')`;

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('hosts').addColumn('quarantined_at', 'text').execute();
  await db.schema.alterTable('hosts').addColumn('quarantine_reason', 'text').execute();
  await db.schema.dropIndex('hosts_one_active_name').ifExists().execute();
  await db.schema.dropIndex('hosts_one_live_name').ifExists().execute();
  await sql`create unique index hosts_one_live_name on hosts (name) where ${LIVE}`.execute(db);

  await db.schema.alterTable('certificates').addColumn('confirmed_at', 'text').execute();

  await db.schema
    .alterTable('join_tokens')
    .addColumn('replaces_host_id', 'text', (column) => column.references('hosts.id'))
    .execute();

  await db.schema
    .createTable('renewal_orders')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('host_id', 'text', (column) => column.references('hosts.id'))
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('issued_before', 'text', (column) => column.notNull())
    .addColumn('starts_at', 'text', (column) => column.notNull())
    .addColumn('ends_at', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('ordered_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('renewal_orders_host').on('renewal_orders').columns(['role', 'host_id']).execute();
}
