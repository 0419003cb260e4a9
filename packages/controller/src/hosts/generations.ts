import type { Clock, Logger } from '@torchpass/core';
import type { Selectable } from 'kysely';
import { CONTROLLER_ITSELF } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import { findCertificate } from '../issuance/ledger.ts';
import type { CertificateTable, HostTable } from '../store/schema.ts';
import type { Queries, Store } from '../store/store.ts';

/** An identity that was shown, and what the database knows of it. */
export type KnownIdentity = Selectable<HostTable> &
  Pick<CertificateTable, 'serial' | 'role' | 'issued_at' | 'confirmed_at' | 'revoked_at'> & {
    /** Serial number of a later identity of the same host whose key has authenticated a call already, revoked or not. */
    successor: string | null;
  };

export interface IdentityUse {
  identity: KnownIdentity;
  /** Whether it has ended. */
  lapsed: boolean;
  /** Where the caller connects from. */
  address: string;
  /** Which of all connections it is: grows with each that is accepted. */
  connection: number;
  /** That of the connection which was accepted last. */
  newestConnection: number;
}

interface Tools {
  store: Store;
  audit: Audit;
  clock: Clock;
  logger: Logger;
}

/** The identity with this serial number, with its host. */
export function findIdentity(queries: Queries, serial: string): Promise<KnownIdentity | undefined> {
  return queries
    .selectFrom('certificates')
    .innerJoin('hosts', 'hosts.id', 'certificates.host_id')
    .selectAll('hosts')
    .select(['certificates.serial', 'certificates.role', 'certificates.issued_at'])
    .select(['certificates.confirmed_at', 'certificates.revoked_at'])
    .select(({ selectFrom }) =>
      selectFrom('certificates as later')
        .select('later.serial')
        .whereRef('later.host_id', '=', 'certificates.host_id')
        .whereRef('later.role', '=', 'certificates.role')
        .whereRef('later.subject_name', '=', 'certificates.subject_name')
        .whereRef('later.issued_at', '>', 'certificates.issued_at')
        .where('later.confirmed_at', 'is not', null)
        .orderBy('later.issued_at', 'desc')
        .limit(1)
        .as('successor'),
    )
    .where('certificates.serial', '=', serial)
    .executeTakeFirst();
}

/**
 * Tells two machines with one identity apart: see docs/adr/0015. An identity is confirmed when its key first
 * authenticates a call. From then on its predecessors are used by nobody who follows the rules, so a use of one quarantines the
 * host.
 */
export function createGenerations({ store, audit, clock, logger }: Tools) {
  /** By host: the newest connection there was when its newest identity was confirmed. */
  const confirmedAfter = new Map<string, number>();

  /** Judges a use of an identity. Answers why it is refused; undefined when it is not. */
  return async (use: IdentityUse): Promise<string | undefined> => {
    const { identity } = use;
    if (identity.successor !== null) {
      // Who revokes an identity means the host, not its copy of last month. It comes back by a token only, so nobody is quarantined.
      if (await isRevoked(identity.successor)) return 'its successor was in use, and is revoked';
      // A disk that was forgotten in a drawer must not stop a host.
      if (use.lapsed)
        return 'its certificate has ended, and its successor is in use: a copied disk, or a restored snapshot';
      // What was sent before the successor came into use may arrive after it; whoever sent it knew no better.
      if (use.connection <= (confirmedAfter.get(identity.id) ?? 0)) return 'its successor is in use';
      const reason = reasonOf(identity.serial, identity.successor, use.address);
      await quarantine(identity, reason, use.address);
      return `the host is quarantined: ${reason}`;
    }
    if (identity.confirmed_at === null) {
      confirmedAfter.set(identity.id, use.newestConnection);
      await store
        .transaction()
        .execute((transaction) =>
          transaction
            .updateTable('certificates')
            .set({ confirmed_at: clock.now().toISOString() })
            .where('serial', '=', identity.serial)
            .where('confirmed_at', 'is', null)
            .execute(),
        );
    }
    return undefined;
  };

  async function isRevoked(serial: string): Promise<boolean> {
    return (await findCertificate(store, serial))?.revoked_at !== null;
  }

  async function quarantine(identity: KnownIdentity, reason: string, address: string): Promise<void> {
    const { id, name, serial, successor } = identity;
    await store.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('hosts')
        .set({ state: 'quarantined', quarantined_at: clock.now().toISOString(), quarantine_reason: reason })
        .where('id', '=', id)
        .where('state', '=', 'active')
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return;
      const details = { host_id: id, used: serial, successor, from: address };
      await audit.record(transaction, { event: 'host.quarantined', by: CONTROLLER_ITSELF, subject: name, details });
    });
    logger.error('host quarantined', { host: name, reason });
  }
}

function reasonOf(used: string, successor: string, address: string): string {
  return `Its identity ${used} was used from ${address} after its successor ${successor} had come into use: a copied disk, or a restored snapshot.`;
}
