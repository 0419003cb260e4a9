import type { Role } from '@torchpass/pki';
import type { CertificateView } from '../api/types.ts';
import { listFrom } from '../store/json.ts';
import type { Queries } from '../store/store.ts';

export type CertificateViewRow = Awaited<ReturnType<ReturnType<typeof certificateRows>['execute']>>[number];

/** Certificates with their hosts, and which of their line is the newest. The caller narrows and sorts. */
export function certificateRows(queries: Queries) {
  return queries
    .selectFrom('certificates')
    .leftJoin('hosts', 'hosts.id', 'certificates.host_id')
    .select([
      'certificates.serial',
      'certificates.role',
      'certificates.host_id',
      'certificates.subject_name',
      'certificates.dns_names',
      'certificates.ip_addresses',
      'certificates.not_before',
      'certificates.not_after',
      'certificates.issued_at',
      'certificates.revoked_at',
      'certificates.revocation_reason',
      'hosts.name as host_name',
    ])
    .select(({ selectFrom }) =>
      // As `newestOfLine`, which looks at one line.
      selectFrom('certificates as line')
        .select('line.serial')
        .whereRef('line.host_id', 'is', 'certificates.host_id')
        .whereRef('line.role', '=', 'certificates.role')
        .whereRef('line.subject_name', '=', 'certificates.subject_name')
        .where('line.issued_at', 'is not', null)
        .orderBy('line.issued_at', 'desc')
        .limit(1)
        .as('newest_serial'),
    );
}

export interface CertificateFilter {
  host?: string | undefined;
  role?: Role | undefined;
  /** Also those that are revoked or have ended. */
  all: boolean;
}

export function filteredRows(queries: Queries, { host, role, all }: CertificateFilter, now: Date) {
  const narrow = certificateRows(queries)
    .$if(host !== undefined, (rows) => rows.where('hosts.name', '=', host ?? ''))
    .$if(role !== undefined, (rows) => rows.where('certificates.role', '=', role ?? 'agent'));
  if (all) return narrow;
  return narrow.where('certificates.revoked_at', 'is', null).where('certificates.not_after', '>', now.toISOString());
}

export function certificateView(row: CertificateViewRow, now: Date): CertificateView {
  return {
    serial: row.serial,
    role: row.role,
    host: row.host_name,
    name: row.subject_name,
    names: [...listFrom(row.dns_names), ...listFrom(row.ip_addresses)],
    state: stateOf(row, now),
    newest: row.serial === row.newest_serial,
    notBefore: row.not_before,
    notAfter: row.not_after,
    revokedAt: row.revoked_at,
    reason: row.revocation_reason,
  };
}

function stateOf(row: CertificateViewRow, now: Date): CertificateView['state'] {
  if (row.revoked_at !== null) return 'revoked';
  if (row.not_after <= now.toISOString()) return 'ended';
  return row.issued_at === null ? 'unsigned' : 'good';
}
