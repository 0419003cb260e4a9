import { TorchpassError, type Clock, type Logger } from '@torchpass/core';
import { revokeCertificatesOfHost } from '../issuance/ledger.ts';
import { host as hostActor, type Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { RevokedHost } from '../api/types.ts';
import type { HostTable } from '../store/schema.ts';
import type { Bite } from '../revocation/bite.ts';
import type { Queries, Store } from '../store/store.ts';
import type { Publisher } from '../targets/publisher.ts';
import { withdrawHost } from '../targets/withdraw.ts';
import { LIVE_STATES } from '../store/host-states.ts';
import type { Views } from './views.ts';

/** What a revocation list says of a host's certificates. */
const CRL_REASON = { revoked: 'privilegeWithdrawn', left: 'cessationOfOperation' } as const;

/** What a revocation here cannot do by itself. */
const REMARKS = [
  "The targets are gone from Prometheus's files; the host's identity is refused and its connections are closed.",
  'The exporter on that server still answers the scraper with its last certificate until that one ends.',
  'If the server is in foreign hands, its exporter key is too; it opens no other exporter and not the controller.',
];

interface Tools {
  views: Views;
  store: Store;
  publisher: Publisher;
  bite: Bite;
  audit: Audit;
  clock: Clock;
  logger: Logger;
}

/** What the database has to say when a membership ends, in the caller's transaction. Answers the serial numbers that were revoked. */
export async function endMembership(
  transaction: Queries,
  end: { host: Pick<HostTable, 'id' | 'name'>; state: 'revoked' | 'left'; reason: string; by: Actor; now: Date },
  audit: Audit,
): Promise<ReadonlySet<string>> {
  const { host, state, reason, by, now } = end;
  await transaction
    .updateTable('hosts')
    .set({ state, ended_at: now.toISOString(), end_reason: reason })
    .where('id', '=', host.id)
    .where('state', 'in', LIVE_STATES)
    .execute();
  const serials = await revokeCertificatesOfHost(transaction, host.id, CRL_REASON[state], now);
  const details = { host_id: host.id, reason };
  await audit.record(transaction, { event: `host.${state}`, by, subject: host.name, details });
  await withdrawHost(transaction, host.id, reason === '' ? state : `${state}: ${reason}`, now);
  return serials;
}

/** Ends a host's membership: its certificates are refused from the next call on, its targets go, its name is free. */
export function createEnding({ store, views, publisher, bite, audit, clock, logger }: Tools) {
  const endNow = async (
    host: Pick<HostTable, 'id' | 'name'>,
    state: 'revoked' | 'left',
    reason: string,
    by: Actor,
  ): Promise<void> => {
    const end = { host, state, reason, by, now: clock.now() };
    const revoked = await store.transaction().execute((transaction) => endMembership(transaction, end, audit));
    logger.info('host ended', { host: host.name, state, reason });
    if (state === 'revoked') return bite(revoked);
    // It goes by itself, and its answer is on the way: neither cut off nor in a hurry. A file that cannot be written shows
    // in the status and is tried again.
    await publisher.publish().catch(() => undefined);
  };

  return {
    leave: (host: HostTable, address: string) => endNow(host, 'left', 'the host left', hostActor(host.name, address)),

    async revoke(name: string, reason: string, by: Actor): Promise<RevokedHost> {
      const host = await store
        .selectFrom('hosts')
        .select(['id', 'name'])
        .where('name', '=', name)
        .where('state', 'in', LIVE_STATES)
        .executeTakeFirst();
      if (host === undefined) {
        throw new TorchpassError('NOT_FOUND', `There is no active host ${JSON.stringify(name.slice(0, 80))}.`, {
          hint: 'See "torchpass host list".',
        });
      }
      await endNow(host, 'revoked', reason, by);
      return { host: await views.host(name), remarks: REMARKS };
    },
  };
}
