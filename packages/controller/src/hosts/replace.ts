import type { Clock, Logger } from '@torchpass/core';
import { stranger } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { CertificateOrder, IssuedCertificate, Issuance } from '../issuance/issuance.ts';
import { revokeCertificatesOfHost } from '../issuance/ledger.ts';
import type { Bite } from '../revocation/bite.ts';
import type { HostTable } from '../store/schema.ts';
import type { Queries, Store } from '../store/store.ts';
import { withdrawHost } from '../targets/withdraw.ts';
import { consume, recordUse, rejected, type Presented, type TokenRow } from '../tokens/redeem.ts';

interface Tools {
  store: Store;
  issuance: Issuance;
  /** What follows a revocation. */
  bite: Bite;
  audit: Audit;
  clock: Clock;
  logger: Logger;
  /** The identity that a host gets for a key. */
  identityOf: (host: HostTable, publicKey: Buffer) => CertificateOrder;
}

/** A machine that takes the place of a host, with a token for that and a key whose possession was proven. */
export interface Replacement {
  token: TokenRow;
  presented: Presented;
  publicKey: Buffer;
  keyFingerprint: string;
  agentVersion: string;
}

const PLACE_GONE = 'the host that it replaces has ended';

/**
 * Gives the place of a host to the machine that enrols: the record, its labels and its targets stay, every certificate of
 * the machine before is revoked, a quarantine is over. `TOKEN_REJECTED` when the host has ended, `KEY_REUSED` when
 * the new machine brings a key that was certified before; then the token is not used up.
 */
export function createReplacement({ store, issuance, bite, audit, clock, logger, identityOf }: Tools) {
  return async (replacement: Replacement): Promise<{ hostName: string; certificate: IssuedCertificate }> => {
    const { token, presented, publicKey, keyFingerprint } = replacement;
    const host = await findPlace(store, token.replaces_host_id ?? '');
    if (host === undefined) throw rejected(PLACE_GONE, presented, logger);
    const draft = issuance.draft(identityOf(host, publicKey));
    const revoked = await store.transaction().execute(async (transaction) => {
      const now = clock.now();
      const use = { presented, tokenId: token.id, keyFingerprint, hostId: host.id, now };
      await consume(transaction, token, use, logger);
      const before = await takePlace(transaction, host.id, replacement, now);
      if (before === undefined) throw rejected(PLACE_GONE, presented, logger);
      // Of a quarantined host nobody knows which machine answers there; of another, monitoring goes on until the new one is seen.
      if (host.state === 'quarantined')
        await withdrawHost(transaction, host.id, 'its place was given to another machine', now);
      await recordUse(transaction, use);
      // Refuses the keys that were revoked just now: whoever copied the disk has them.
      await issuance.reserve(transaction, draft);
      await audit.record(transaction, {
        event: 'host.replaced',
        by: stranger(presented.address),
        subject: host.name,
        details: { host_id: host.id, token: token.id, key: keyFingerprint, was: host.state },
      });
      return before;
    });
    logger.info('host replaced by another machine', { host: host.name, from: presented.address, token: token.id });
    await bite(revoked);
    return { hostName: host.name, certificate: await issuance.complete(draft.prepared.serial) };
  };
}

/** What has a place to give: it joined once, and has not ended. */
const REPLACEABLE = ['active', 'quarantined'] as const;

/** The host whose place a token gives away; undefined when it has ended since the token was made. */
function findPlace(queries: Queries, hostId: string): Promise<HostTable | undefined> {
  return queries
    .selectFrom('hosts')
    .selectAll()
    .where('id', '=', hostId)
    .where('state', 'in', REPLACEABLE)
    .executeTakeFirst();
}

/** The same by its name, for who makes the token. */
export function findReplaceable(queries: Queries, name: string): Promise<HostTable | undefined> {
  return queries
    .selectFrom('hosts')
    .selectAll()
    .where('name', '=', name)
    .where('state', 'in', REPLACEABLE)
    .executeTakeFirst();
}

/** Answers the serial numbers that are revoked now; undefined when the host has ended meanwhile. */
async function takePlace(
  transaction: Queries,
  hostId: string,
  { presented, agentVersion }: Replacement,
  now: Date,
): Promise<Set<string> | undefined> {
  const { numUpdatedRows } = await transaction
    .updateTable('hosts')
    .set({ state: 'active', quarantined_at: null, quarantine_reason: null })
    // What the machine before said of itself says nothing of this one.
    .set({ roots_digest: null, identity_serial: null })
    .set({ address: presented.address, agent_version: agentVersion.slice(0, 64), last_seen_at: now.toISOString() })
    // Where the machine before was is not where this one is.
    .set({ other_address: null, other_seen_at: null })
    .where('id', '=', hostId)
    .where('state', 'in', REPLACEABLE)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return undefined;
  await transaction
    .updateTable('exporters')
    .set({ seen_serial: null, scrapers_digest: null, started_for: 0 })
    .where('host_id', '=', hostId)
    .execute();
  return revokeCertificatesOfHost(transaction, hostId, 'superseded', now);
}
