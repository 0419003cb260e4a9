import { sql, type Kysely } from 'kysely';
import type { MigrationContext } from './index.ts';

export async function up(db: Kysely<unknown>, { binary }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('installation')
    .addColumn('id', 'integer', (column) => column.primaryKey().check(sql`id = 1`))
    .addColumn('trust_domain', 'text', (column) => column.notNull())
    .addColumn('sealing', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('authorities')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('certificate', binary, (column) => column.notNull())
    .addColumn('sealed_key', 'text', (column) => column.notNull())
    .addColumn('not_before', 'text', (column) => column.notNull())
    .addColumn('not_after', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('authorities_one_active')
    .unique()
    .on('authorities')
    .column('role')
    .where(sql.ref('state'), '=', 'active')
    .execute();

  await db.schema
    .createTable('join_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('secret_hash', binary, (column) => column.notNull())
    .addColumn('job', 'text')
    .addColumn('labels', 'text', (column) => column.notNull())
    .addColumn('host_name', 'text')
    .addColumn('addresses', 'text', (column) => column.notNull())
    .addColumn('networks', 'text', (column) => column.notNull())
    .addColumn('exporters', 'text', (column) => column.notNull())
    .addColumn('max_uses', 'integer', (column) => column.notNull())
    .addColumn('uses', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('note', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .addColumn('revoked_at', 'text')
    .addCheckConstraint('join_tokens_not_overused', sql`uses <= max_uses`)
    .execute();

  await db.schema
    .createTable('hosts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('token_id', 'text', (column) => column.notNull().references('join_tokens.id'))
    .addColumn('job', 'text')
    .addColumn('labels', 'text', (column) => column.notNull())
    .addColumn('addresses', 'text', (column) => column.notNull())
    .addColumn('exporters', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('agent_version', 'text', (column) => column.notNull())
    .addColumn('enrolled_at', 'text', (column) => column.notNull())
    .addColumn('last_seen_at', 'text', (column) => column.notNull())
    .addColumn('ended_at', 'text')
    .addColumn('end_reason', 'text')
    .execute();
  await db.schema
    .createIndex('hosts_one_active_name')
    .unique()
    .on('hosts')
    .column('name')
    .where(sql.ref('state'), '=', 'active')
    .execute();

  await db.schema
    .createTable('token_uses')
    .addColumn('token_id', 'text', (column) => column.notNull().references('join_tokens.id'))
    .addColumn('key_fingerprint', 'text', (column) => column.notNull())
    .addColumn('host_id', 'text', (column) => column.notNull().references('hosts.id'))
    .addColumn('used_at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('token_uses_key', ['token_id', 'key_fingerprint'])
    .execute();

  await db.schema
    .createTable('exporters')
    .addColumn('host_id', 'text', (column) => column.notNull().references('hosts.id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('job', 'text', (column) => column.notNull())
    .addColumn('port', 'integer', (column) => column.notNull())
    .addColumn('metrics_path', 'text', (column) => column.notNull())
    .addColumn('dns_names', 'text', (column) => column.notNull())
    .addColumn('ip_addresses', 'text', (column) => column.notNull())
    .addColumn('target', 'text')
    .addColumn('published_target', 'text')
    .addColumn('problem', 'text')
    .addColumn('reported_problem', 'text')
    .addColumn('seen_serial', 'text')
    .addColumn('checked_at', 'text')
    .addPrimaryKeyConstraint('exporters_key', ['host_id', 'name'])
    .execute();
  await db.schema.createIndex('exporters_address').on('exporters').columns(['ip_addresses', 'dns_names']).execute();
  await db.schema.createIndex('exporters_published').on('exporters').column('published_target').execute();

  await db.schema
    .createTable('certificates')
    .addColumn('serial', 'text', (column) => column.primaryKey())
    .addColumn('authority_id', 'text', (column) => column.notNull().references('authorities.id'))
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('host_id', 'text', (column) => column.references('hosts.id'))
    .addColumn('subject_name', 'text', (column) => column.notNull())
    .addColumn('dns_names', 'text', (column) => column.notNull())
    .addColumn('ip_addresses', 'text', (column) => column.notNull())
    .addColumn('key_fingerprint', 'text', (column) => column.notNull())
    .addColumn('tbs', binary, (column) => column.notNull())
    .addColumn('certificate', binary)
    .addColumn('not_before', 'text', (column) => column.notNull())
    .addColumn('not_after', 'text', (column) => column.notNull())
    .addColumn('reserved_at', 'text', (column) => column.notNull())
    .addColumn('issued_at', 'text')
    .addColumn('revoked_at', 'text')
    .execute();
  await db.schema
    .createIndex('certificates_line')
    .on('certificates')
    .columns(['host_id', 'role', 'subject_name', 'issued_at'])
    .execute();
  await db.schema.createIndex('certificates_key').on('certificates').column('key_fingerprint').execute();

  await db.schema
    .createTable('withdrawn_targets')
    .addColumn('job', 'text', (column) => column.notNull())
    .addColumn('target', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('withdrawn_at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('withdrawn_targets_key', ['job', 'target'])
    .execute();
}
