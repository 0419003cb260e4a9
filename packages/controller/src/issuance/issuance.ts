import { isTorchpassError, TorchpassError, Turns, type Clock, type Logger, type Random } from '@torchpass/core';
import {
  keyFingerprint,
  newSerialNumber,
  prepareLeaf,
  signPrepared,
  type PreparedCertificate,
  type SpiffeId,
} from '@torchpass/pki';
import { CONTROLLER_ITSELF } from '../audit/actor.ts';
import type { Audit, AuditEntry } from '../audit/audit.ts';
import { listFrom, toJson } from '../store/json.ts';
import type { CertificateTable } from '../store/schema.ts';
import type { Queries, Store } from '../store/store.ts';
import { BACKDATE_MS, type Authorities } from './authorities.ts';
import { createBudget, type BudgetConfig } from './budget.ts';
import { certificatesOfKey, findCertificate, hasSameNames, isSameLine, newestOfLine, type Line } from './ledger.ts';

export interface CertificateOrder extends Line {
  spiffeId: SpiffeId;
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
  /** DER SubjectPublicKeyInfo. */
  publicKey: Buffer;
  lifetimeMs: number;
  /** What else goes on record together with the reservation. */
  also?: AuditEntry;
}

/** A certificate that is ready to be signed, and its authority. */
export interface Draft {
  order: CertificateOrder;
  authorityId: string;
  prepared: PreparedCertificate;
}

export interface IssuedCertificate {
  serial: string;
  /** DER: the leaf, then the authority that issued it. */
  chain: Buffer[];
  notBefore: Date;
  notAfter: Date;
}

export interface Issuance {
  /**
   * Issues a certificate for a key that is new in its line. Asked again with the same key and names, it gives the
   * same certificate, also when a crash came between. `KEY_REUSED` when the key belongs to another line or its
   * certificate has ended, `RATE_LIMITED` when the host had too many; asking again for the same is free.
   */
  issue(order: CertificateOrder): Promise<IssuedCertificate>;
  /** Issues another certificate for a key that is kept: the controller's own, and the scraper's. */
  renewWithSameKey(order: CertificateOrder): Promise<IssuedCertificate>;
  /** First half: builds and lints. Nothing is stored yet. */
  draft(order: CertificateOrder): Draft;
  /**
   * Second half: stores serial number and to-be-signed certificate, in the caller's transaction. `KEY_REUSED` when the key
   * has another line, `IDENTITY_REJECTED` when the host has ended: both may have become true while the draft was made.
   */
  reserve(transaction: Queries, draft: Draft): Promise<void>;
  /** Whether this certificate was revoked. Also when it is unknown: then it is not of this database. */
  isRevoked(serial: string): Promise<boolean>;
  /** Last: signs what is stored under this serial number, unless it was signed already. */
  complete(serial: string): Promise<IssuedCertificate>;
}

export interface IssuanceTools {
  store: Store;
  authorities: Authorities;
  audit: Audit;
  config: BudgetConfig;
  clock: Clock;
  random: Random;
  logger: Logger;
}

export function createIssuance(tools: IssuanceTools): Issuance {
  const { store, authorities, audit, config, clock, random, logger } = tools;
  const budget = createBudget(config, clock);
  const turns = new Turns();

  const issuance: Issuance = {
    issue: (order) =>
      turns.take(keyFingerprint(order.publicKey), async () => {
        const earlier = await earlierAnswer(store, order, clock.now());
        // What was reserved or signed under an authority that is gone is worth nothing: the key gets another certificate.
        const answer = earlier.find((row) => authorities.open(row.authority_id) !== undefined);
        if (answer !== undefined) return issuance.complete(answer.serial);
        budget.spend(order);
        return start(order);
      }),

    renewWithSameKey: (order) => start(order),

    draft(order) {
      const authority = authorities.active(order.role);
      const now = clock.now().getTime();
      const prepared = prepareLeaf(authority, {
        role: order.role,
        spiffeId: order.spiffeId,
        dnsNames: order.dnsNames,
        ipAddresses: order.ipAddresses,
        publicKey: order.publicKey,
        serialNumber: newSerialNumber(random),
        notBefore: new Date(now - BACKDATE_MS),
        notAfter: new Date(now + order.lifetimeMs),
      });
      return { order, authorityId: authority.id, prepared };
    },

    async reserve(transaction, { order, authorityId, prepared }) {
      const earlier = await certificatesOfKey(transaction, keyFingerprint(order.publicKey));
      if (earlier.some((row) => !isSameLine(row, order))) throw reused('belongs to another certificate');
      if (earlier.some((row) => row.revoked_at !== null)) throw reused('belongs to a revoked certificate');
      if (order.hostId !== null) await refuseEndedHost(transaction, order.hostId);
      await refuseClosedAuthority(transaction, authorityId);
      await transaction
        .insertInto('certificates')
        .values(
          authorities.authentic.seal('certificates', {
            serial: prepared.serial,
            authority_id: authorityId,
            role: order.role,
            host_id: order.hostId,
            subject_name: order.subjectName,
            dns_names: toJson(order.dnsNames),
            ip_addresses: toJson(order.ipAddresses),
            key_fingerprint: keyFingerprint(order.publicKey),
            tbs: prepared.tbs,
            certificate: null,
            not_before: prepared.notBefore.toISOString(),
            not_after: prepared.notAfter.toISOString(),
            reserved_at: clock.now().toISOString(),
            issued_at: null,
            confirmed_at: null,
            revoked_at: null,
            revocation_reason: null,
          }),
        )
        .execute();
      if (order.also !== undefined) await audit.record(transaction, order.also);
    },

    async isRevoked(serial) {
      return (await findCertificate(store, serial))?.revoked_at !== null;
    },

    async complete(serial) {
      const row = await findCertificate(store, serial);
      if (row === undefined) throw new TorchpassError('NOT_FOUND', `There is no certificate ${serial}.`);
      if (row.revoked_at !== null) throw new TorchpassError('IDENTITY_REJECTED', 'This certificate was revoked.');
      return row.certificate === null ? sign(row) : issued(row, row.certificate);
    },
  };

  /** Once more when the authority went while its certificate was made. */
  async function start(order: CertificateOrder, again = true): Promise<IssuedCertificate> {
    const draft = issuance.draft(order);
    try {
      await store.transaction().execute((transaction) => issuance.reserve(transaction, draft));
      return await issuance.complete(draft.prepared.serial);
    } catch (error) {
      const went =
        isTorchpassError(error, 'AUTHORITY_MISSING') && draft.authorityId !== authorities.active(order.role).id;
      if (!again || !went) throw error;
      return start(order, false);
    }
  }

  /** Now, but never before its predecessor's: the newest of a line stays the newest when the clock is set back. */
  async function issuedAt(queries: Queries, row: CertificateTable): Promise<Date> {
    const line = { role: row.role, hostId: row.host_id, subjectName: row.subject_name };
    const newest = await newestOfLine(queries, line);
    const now = clock.now();
    const last = newest?.issued_at ?? null;
    return last === null || new Date(last) < now ? now : new Date(new Date(last).getTime() + 1);
  }

  async function sign(row: CertificateTable): Promise<IssuedCertificate> {
    const authority = authorities.open(row.authority_id);
    if (authority?.role !== row.role) throw closed();
    // What was reserved was linted, and its names were decided by policy: that it is still the same is what the MAC says.
    authorities.authentic.check('certificates', row);
    const prepared: PreparedCertificate = {
      serial: row.serial,
      tbs: row.tbs,
      notBefore: new Date(row.not_before),
      notAfter: new Date(row.not_after),
    };
    const certificate = await signPrepared(prepared, authority.signer);
    const stored = await store.transaction().execute(async (transaction) => {
      await refuseClosedAuthority(transaction, row.authority_id);
      const { numUpdatedRows } = await transaction
        .updateTable('certificates')
        .set({ certificate, issued_at: (await issuedAt(transaction, row)).toISOString() })
        .where('serial', '=', row.serial)
        .where('certificate', 'is', null)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      if (numUpdatedRows > 0n) await audit.record(transaction, entryOf(row));
      return numUpdatedRows > 0n;
    });
    // Somebody else signed or revoked it meanwhile: what is stored counts.
    if (!stored) return issuance.complete(row.serial);
    logger.info('certificate issued', {
      serial: row.serial,
      role: row.role,
      host: row.host_id ?? undefined,
      name: row.subject_name === '' ? undefined : row.subject_name,
      not_after: row.not_after,
    });
    return issued(row, certificate);
  }

  function issued(row: CertificateTable, certificate: Buffer): IssuedCertificate {
    return {
      serial: row.serial,
      chain: [certificate, authorities.certificateOf(row.authority_id)],
      notBefore: new Date(row.not_before),
      notAfter: new Date(row.not_after),
    };
  }

  return issuance;
}

function entryOf(row: CertificateTable): AuditEntry {
  const { serial, role, host_id, subject_name, authority_id, key_fingerprint, not_after } = row;
  const names = [...listFrom(row.dns_names), ...listFrom(row.ip_addresses)];
  const details = { role, host_id, name: subject_name, names, authority_id, key: key_fingerprint, not_after };
  return { event: 'certificate.issued', by: CONTROLLER_ITSELF, subject: serial, details };
}

/** What this key got before: certificates to repeat, or a refusal. */
async function earlierAnswer(queries: Queries, order: CertificateOrder, now: Date): Promise<CertificateTable[]> {
  const rows = await certificatesOfKey(queries, keyFingerprint(order.publicKey));
  if (rows.some((row) => !isSameLine(row, order))) throw reused('belongs to another certificate');
  if (rows.some((row) => row.revoked_at !== null)) throw reused('belongs to a revoked certificate');
  if (rows.some((row) => new Date(row.not_after) <= now)) throw reused('belongs to a certificate that has ended');
  return rows.filter((row) => hasSameNames(row, order));
}

/** A certificate that is reserved from here on is revoked together with its host. */
async function refuseEndedHost(transaction: Queries, hostId: string): Promise<void> {
  const host = await transaction.selectFrom('hosts').select('state').where('id', '=', hostId).executeTakeFirst();
  if (host?.state === 'active') return;
  throw new TorchpassError('IDENTITY_REJECTED', 'The host has ended; it gets no more certificates.');
}

/** A retiring authority finishes what was reserved under it; nothing appears under one that hosts are told to forget. */
async function refuseClosedAuthority(transaction: Queries, id: string): Promise<void> {
  const authority = await transaction
    .selectFrom('authorities')
    .select('id')
    .where('id', '=', id)
    .where('state', 'in', ['active', 'retiring'])
    .where('dropped_at', 'is', null)
    .executeTakeFirst();
  if (authority === undefined) throw closed();
}

function closed(): TorchpassError {
  return new TorchpassError('AUTHORITY_MISSING', 'The authority of this certificate signs no more.', {
    hint: 'Ask again: another authority signs now.',
  });
}

function reused(why: string): TorchpassError {
  return new TorchpassError('KEY_REUSED', `This key ${why}.`, { hint: 'Make a new key for each certificate.' });
}
