import type { Clock, Logger } from '@torchpass/core';
import { describeCertificate, type VerifiedPeer } from '@torchpass/pki';
import { host as hostActor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import { BACKDATE_MS } from '../issuance/authorities.ts';
import { certificatesOfKey, findCertificate } from '../issuance/ledger.ts';
import type { CertificateTable, RestoreTable } from '../store/schema.ts';
import type { Queries, Store } from '../store/store.ts';
import { toJson } from '../store/json.ts';

/** An identity that our authority signed, and that the database does not know. */
export interface UnknownIdentity {
  peer: VerifiedPeer;
  /** DER of the certificate. */
  leaf: Buffer;
  /** Where the caller connects from. */
  address: string;
}

export type Adopt = (unknown: UnknownIdentity) => Promise<boolean>;

interface Tools {
  store: Store;
  audit: Audit;
  clock: Clock;
  logger: Logger;
}

/** The machine that is restored to may have another idea of the time than the one that was lost. */
const CLOCK_SLACK_MS = 10 * 60_000;

/**
 * After a restore: takes an identity that was issued between backup and restore to a host that the backup knows into the
 * line of that host, as what it is, a later one. What came before it is judged as after any renewal. Answers whether it did. See
 * docs/adr/0023.
 */
export function createAdoption({ store, audit, clock, logger }: Tools): Adopt {
  return async ({ peer, leaf, address }) => {
    if (peer.spiffeId.kind !== 'agent') return false;
    const name = peer.spiffeId.host;
    const issuedAt = new Date(peer.notBefore.getTime() + BACKDATE_MS);
    const adopted = await store.transaction().execute(async (transaction) => {
      if ((await findCertificate(transaction, peer.serial)) !== undefined) return true;
      const epoch = await epochOf(transaction, issuedAt, clock.now());
      if (epoch === undefined) return false;
      const host = await transaction
        .selectFrom('hosts')
        .select('id')
        .where('name', '=', name)
        .where('state', 'in', ['active', 'quarantined'])
        // One that joined after the restore has nothing from before.
        .where('enrolled_at', '<=', epoch.backup_at)
        .executeTakeFirst();
      if (host === undefined) return false;
      if ((await certificatesOfKey(transaction, peer.fingerprint)).length > 0) return false;
      await transaction
        .insertInto('certificates')
        .values(rowOf(peer, leaf, host.id, issuedAt))
        .execute();
      const details = { host_id: host.id, serial: peer.serial, key: peer.fingerprint, epoch: epoch.epoch };
      await audit.record(transaction, {
        event: 'identity.adopted',
        by: hostActor(name, address),
        subject: name,
        details,
      });
      return true;
    });
    if (adopted)
      logger.info('identity from before the restore accepted', { host: name, serial: peer.serial, from: address });
    return adopted;
  };
}

/** The restore whose gap this falls into, while its window is open. */
function epochOf(queries: Queries, issuedAt: Date, now: Date): Promise<RestoreTable | undefined> {
  const [earliest, latest] = [issuedAt.getTime() + CLOCK_SLACK_MS, issuedAt.getTime() - CLOCK_SLACK_MS];
  return queries
    .selectFrom('restores')
    .selectAll()
    .where('adopt_until', '>', now.toISOString())
    .where('backup_at', '<=', new Date(earliest).toISOString())
    .where('restored_at', '>=', new Date(latest).toISOString())
    .orderBy('epoch', 'desc')
    .limit(1)
    .executeTakeFirst();
}

function rowOf(peer: VerifiedPeer, leaf: Buffer, hostId: string, issuedAt: Date): CertificateTable {
  const described = describeCertificate(leaf);
  return {
    serial: peer.serial,
    authority_id: describeCertificate(peer.issuer).serial,
    role: 'agent',
    host_id: hostId,
    subject_name: '',
    dns_names: toJson(described.dnsNames),
    ip_addresses: toJson(described.ipAddresses),
    key_fingerprint: peer.fingerprint,
    tbs: described.tbs,
    certificate: leaf,
    not_before: peer.notBefore.toISOString(),
    not_after: peer.notAfter.toISOString(),
    reserved_at: issuedAt.toISOString(),
    issued_at: issuedAt.toISOString(),
    confirmed_at: null,
    revoked_at: null,
    revocation_reason: null,
    // Only what is yet to be signed is asked for one.
    mac: '',
  };
}
