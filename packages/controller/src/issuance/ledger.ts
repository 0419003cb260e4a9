import type { RevocationReason } from '@torchpass/pki';
import { toJson } from '../store/json.ts';
import type { CertificateTable } from '../store/schema.ts';
import type { Queries } from '../store/store.ts';
import type { CertificateOrder } from './issuance.ts';

/** The line of a certificate: those that follow one another for the same purpose. */
export interface Line {
  role: CertificateTable['role'];
  /** Null for the controller's own. */
  hostId: string | null;
  /** Exporter or scraper; empty for an identity and for the controller. */
  subjectName: string;
}

/** Every certificate that was ever made for this key. */
export function certificatesOfKey(queries: Queries, keyFingerprint: string): Promise<CertificateTable[]> {
  return queries.selectFrom('certificates').selectAll().where('key_fingerprint', '=', keyFingerprint).execute();
}

/** The certificate of a line that was issued last. */
export function newestOfLine(queries: Queries, line: Line): Promise<CertificateTable | undefined> {
  return queries
    .selectFrom('certificates')
    .selectAll()
    .where('host_id', line.hostId === null ? 'is' : '=', line.hostId)
    .where('role', '=', line.role)
    .where('subject_name', '=', line.subjectName)
    .where('issued_at', 'is not', null)
    .orderBy('issued_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export function findCertificate(queries: Queries, serial: string): Promise<CertificateTable | undefined> {
  return queries.selectFrom('certificates').selectAll().where('serial', '=', serial).executeTakeFirst();
}

/** Revokes all that a host holds. What is not yet signed never will be. Answers their serial numbers. */
export async function revokeCertificatesOfHost(
  queries: Queries,
  hostId: string,
  reason: RevocationReason,
  at: Date,
): Promise<Set<string>> {
  const rows = await queries
    .updateTable('certificates')
    .set({ revoked_at: at.toISOString(), revocation_reason: reason })
    .where('host_id', '=', hostId)
    .where('revoked_at', 'is', null)
    .returning('serial')
    .execute();
  return new Set(rows.map(({ serial }) => serial));
}

export function isSameLine(row: CertificateTable, line: Line): boolean {
  return row.role === line.role && row.host_id === line.hostId && row.subject_name === line.subjectName;
}

export function hasSameNames(
  row: CertificateTable,
  order: Pick<CertificateOrder, 'dnsNames' | 'ipAddresses'>,
): boolean {
  return row.dns_names === toJson(order.dnsNames) && row.ip_addresses === toJson(order.ipAddresses);
}
