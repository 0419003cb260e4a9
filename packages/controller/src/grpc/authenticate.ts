import { reasonOf, TorchpassError, type Clock, type Logger } from '@torchpass/core';
import { verifyChain, type VerifiedPeer } from '@torchpass/pki';
import type { Selectable } from 'kysely';
import { Refusal } from '../audit/refusal.ts';
import type { Authorities } from '../issuance/authorities.ts';
import type { Adopt } from '../hosts/adopt.ts';
import { findIdentity, type IdentityUse } from '../hosts/generations.ts';
import type { HostTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Connection, Connections } from './connections.ts';

const LONGEST_REASON = 300;

type RejectionEvent = 'identity.rejected' | 'identity.unknown';

interface Tools {
  store: Store;
  authorities: Authorities;
  connections: Pick<Connections, 'newest'>;
  /** Why an identity is refused that is not the host's newest; undefined when it is not refused. */
  judgeGeneration: (use: IdentityUse) => Promise<string | undefined>;
  /** How long after its end an identity may still be renewed. */
  renewalGraceMs: number;
  /** Takes an identity from before a restore into the database, if it may. */
  adopt: Adopt;
  clock: Clock;
  logger: Logger;
}

/** A host, and the identity that it called with. */
export type AuthenticatedHost = Selectable<HostTable> & {
  presented_serial: string;
  /** Whether that has ended: then it is good for getting the next one, and nothing else. */
  lapsed: boolean;
};

/**
 * Finds the host behind a connection's certificate. The chain is judged once a connection; whether certificate and host
 * are still good is asked of the database at every call, so that a revocation bites on open connections too. Where
 * `mayBeLapsed`, an identity is taken for a while after its end.
 */
export function createAuthentication(tools: Tools) {
  const { store, authorities, connections, judgeGeneration, renewalGraceMs, adopt, clock, logger } = tools;
  const verified = new WeakMap<Connection, VerifiedPeer>();

  return async (connection: Connection, mayBeLapsed: boolean): Promise<AuthenticatedHost> => {
    const peer = verified.get(connection) ?? verify(connection);
    verified.set(connection, peer);
    const now = clock.now();
    if (!authorities.trusted('agent').some((der) => der.equals(peer.issuer)))
      throw rejected('its authority is trusted no more', connection, peer);
    const lapsed = now >= peer.notAfter;
    if (lapsed && !mayBeLapsed) throw rejected('its certificate has ended', connection, peer);
    if (lapsed && now.getTime() >= peer.notAfter.getTime() + renewalGraceMs)
      throw rejected('its certificate has ended, and the time to renew it too', connection, peer);
    const row = await identityOf(peer, connection);
    if (row === undefined) throw unknown(connection, peer);
    if (row.role !== 'agent' || row.issued_at === null) throw rejected('its certificate is unknown', connection, peer);
    if (peer.spiffeId.kind !== 'agent' || peer.spiffeId.host !== row.name)
      throw rejected('its certificate names another host', connection, peer);
    if (row.revoked_at !== null) throw rejected('its certificate is revoked', connection, peer);
    if (row.state !== 'active') throw rejected(stateReason(row), connection, peer);
    const stale = await judgeGeneration({
      identity: row,
      lapsed,
      address: connection.address,
      connection: connection.order,
      newestConnection: connections.newest,
    });
    if (stale !== undefined) throw rejected(stale, connection, peer);
    return { ...row, presented_serial: peer.serial, lapsed };
  };

  /** After a restore there are identities that are ours and that the database does not know. */
  async function identityOf(peer: VerifiedPeer, { presentedChain, address }: Connection) {
    const known = await findIdentity(store, peer.serial);
    const [leaf] = presentedChain;
    if (known !== undefined || leaf === undefined) return known;
    return (await adopt({ peer, leaf, address })) ? findIdentity(store, peer.serial) : undefined;
  }

  /** Ours, and yet unknown: its host joined after the backup that was restored, or somebody else signs with our authority. */
  function unknown(connection: Connection, peer: VerifiedPeer): TorchpassError {
    return rejected('its certificate is unknown', connection, peer, 'identity.unknown');
  }

  function verify(connection: Connection): VerifiedPeer {
    if (connection.presentedChain.length === 0) {
      throw new TorchpassError('IDENTITY_REQUIRED', "This call needs a host's certificate.", {
        hint: 'Enroll the host first: torchpass-agent enroll',
      });
    }
    try {
      return verifyAsOfItsEnd(connection.presentedChain, authorities.trusted('agent'), clock.now());
    } catch (error) {
      logger.warn('identity rejected', { reason: 'its chain does not verify', from: connection.address, error });
      const details = { reason: reasonOf(error).slice(0, LONGEST_REASON) };
      throw generic(new Refusal({ event: 'identity.rejected', subject: '', details }, error));
    }
  }

  function rejected(
    why: string,
    connection: Connection,
    peer: VerifiedPeer,
    event: RejectionEvent = 'identity.rejected',
  ): TorchpassError {
    logger.warn('identity rejected', { reason: why, serial: peer.serial, from: connection.address });
    const { serial, spiffeId } = peer;
    const subject = spiffeId.kind === 'agent' ? spiffeId.host : '';
    return generic(new Refusal({ event, subject, details: { reason: why, serial } }));
  }
}

/** Verifies a chain now; one that has ended, as of its last moment: its authority may have ended with it. */
function verifyAsOfItsEnd(chain: readonly Buffer[], anchors: readonly Buffer[], now: Date): VerifiedPeer {
  const timeless = verifyChain(chain, { anchors, role: 'agent', now: undefined });
  const lastMoment = new Date(timeless.notAfter.getTime() - 1);
  return verifyChain(chain, { anchors, role: 'agent', now: now < lastMoment ? now : lastMoment });
}

function stateReason({ state, quarantine_reason: why }: Pick<HostTable, 'state' | 'quarantine_reason'>): string {
  return why === null ? `the host is ${state}` : `the host is ${state}: ${why}`;
}

/** The caller learns no reason; the log has it. */
function generic(cause: Refusal): TorchpassError {
  return new TorchpassError('IDENTITY_REJECTED', "The controller does not accept this host's identity.", {
    cause,
    hint: 'The controller\'s log says why. To join again, have the operator make a new token and run "torchpass-agent enroll".',
  });
}
