import { TorchpassError, type Clock, type Logger } from '@torchpass/core';
import type { RevocationReason } from '@torchpass/pki';
import type { CertificateList, CertificateView, RevokedCertificate } from '../api/types.ts';
import type { Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import { findCertificate, newestOfLine } from '../issuance/ledger.ts';
import type { CertificateTable } from '../store/schema.ts';
import type { Queries, Store } from '../store/store.ts';
import { withdrawTarget } from '../targets/withdraw.ts';
import type { Bite } from './bite.ts';
import { certificateRows, certificateView, filteredRows, type CertificateFilter } from './certificate-rows.ts';
import { remarksOn } from './remarks.ts';

interface Tools {
  store: Store;
  audit: Audit;
  bite: Bite;
  /** Has the certificates of the installation itself looked at now. */
  hurry: () => void;
  clock: Clock;
  logger: Logger;
}

/** More than a person reads; who wants others narrows. */
const MOST_LISTED = 5000;

/** Single certificates, as the operator sees them and ends them. */
export function createCertificates({ store, audit, bite, hurry, clock, logger }: Tools) {
  const viewOf = async (serial: string): Promise<CertificateView> => {
    const row = await certificateRows(store).where('certificates.serial', '=', serial).executeTakeFirst();
    if (row !== undefined) return certificateView(row, clock.now());
    throw new TorchpassError('NOT_FOUND', `There is no certificate ${JSON.stringify(serial.slice(0, 80))}.`, {
      hint: 'See "torchpass certificate list".',
    });
  };

  return {
    /** Those that end last first; at most 5000. */
    async list(filter: CertificateFilter): Promise<CertificateList> {
      const now = clock.now();
      const rows = await filteredRows(store, filter, now)
        .orderBy('certificates.not_after', 'desc')
        .limit(MOST_LISTED + 1)
        .execute();
      const certificates = rows.slice(0, MOST_LISTED).map((row) => certificateView(row, now));
      return { certificates, more: rows.length > MOST_LISTED };
    },

    /** Ends a certificate before its time; again changes nothing. `NOT_FOUND`, `REVOCATION_REFUSED`. */
    async revoke(serial: string, reason: RevocationReason, by: Actor): Promise<RevokedCertificate> {
      const { role } = await viewOf(serial);
      if (role === 'scraper') throw useless();
      const revoked = await store.transaction().execute(async (transaction) => {
        const row = await findCertificate(transaction, serial);
        if (row === undefined || row.revoked_at !== null) return undefined;
        await transaction
          .updateTable('certificates')
          .set({ revoked_at: clock.now().toISOString(), revocation_reason: reason })
          .where('serial', '=', serial)
          .execute();
        await withdrawTargetOf(transaction, row, clock.now());
        const details = { role, host_id: row.host_id, name: row.subject_name, reason };
        await audit.record(transaction, { event: 'certificate.revoked', by, subject: serial, details });
        return row;
      });
      if (revoked !== undefined) {
        logger.info('certificate revoked', { serial, role, reason });
        await bite(new Set([serial]));
        if (revoked.host_id === null) hurry();
      }
      const certificate = await viewOf(serial);
      return { certificate, remarks: remarksOn(certificate, await otherGood(certificate)) };
    },
  };

  /** Serial numbers of the certificates of the same line that are still good. */
  async function otherGood({ serial }: CertificateView): Promise<string[]> {
    const row = await findCertificate(store, serial);
    const rows = await store
      .selectFrom('certificates')
      .select('serial')
      .where('host_id', 'is', row?.host_id ?? null)
      .where('role', '=', row?.role ?? 'agent')
      .where('subject_name', '=', row?.subject_name ?? '')
      .where('revoked_at', 'is', null)
      .where('issued_at', 'is not', null)
      .where('not_after', '>', clock.now().toISOString())
      .orderBy('issued_at', 'desc')
      .execute();
    return rows.map((other) => other.serial);
  }
}

/** Who has the key of what is served there can answer in the host's place: nobody shall ask until there is another. */
async function withdrawTargetOf(transaction: Queries, row: CertificateTable, now: Date): Promise<void> {
  if (row.role !== 'exporter' || row.host_id === null) return;
  const exporter = await transaction
    .selectFrom('exporters')
    .selectAll()
    .where('host_id', '=', row.host_id)
    .where('name', '=', row.subject_name)
    .executeTakeFirst();
  const line = { role: row.role, hostId: row.host_id, subjectName: row.subject_name };
  const newest = await newestOfLine(transaction, line);
  if (exporter === undefined || (exporter.seen_serial !== row.serial && newest?.serial !== row.serial)) return;
  await withdrawTarget(transaction, exporter, 'its certificate was revoked', now);
  await transaction
    .updateTable('exporters')
    .set({ seen_serial: null, problem: 'Its certificate was revoked; it comes back with a new one.' })
    .where('host_id', '=', row.host_id)
    .where('name', '=', row.subject_name)
    .execute();
}

function useless(): TorchpassError {
  return new TorchpassError(
    'REVOCATION_REFUSED',
    "Exporters read no revocation list: revoking Prometheus's certificate alone would shut nobody out.",
    { hint: 'When its key is in foreign hands: torchpass scraper revoke' },
  );
}
