import { TorchpassError, type Clock, type Logger } from '@torchpass/core';
import { fingerprintText } from '@torchpass/pki';
import type { HostView } from '../api/types.ts';
import type { Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { Queries, Store } from '../store/store.ts';
import { expirePending } from './pending.ts';
import type { Views } from './views.ts';

interface Tools {
  store: Store;
  views: Views;
  audit: Audit;
  clock: Clock;
  logger: Logger;
  /** How long a host may wait, in milliseconds. */
  expiryMs: number;
}

/** A person's word on hosts that wait. Approving signs nothing: the agent asks again, with the same key, and gets its certificate then. */
export function createApproval({ store, views, audit, clock, logger, expiryMs }: Tools) {
  const decide = async (work: (transaction: Queries, now: Date) => Promise<void>) => {
    await expire();
    await store.transaction().execute((transaction) => work(transaction, clock.now()));
  };

  /** Also part of the upkeep, so that a name is free without anybody asking for it. */
  async function expire(): Promise<void> {
    const waiting = await store.selectFrom('hosts').select('id').where('state', '=', 'pending').limit(1).execute();
    if (waiting.length === 0) return;
    const names = await store
      .transaction()
      .execute((transaction) => expirePending(transaction, { audit, expiryMs, now: clock.now() }));
    for (const host of names) logger.info('nobody approved the host in time', { host });
  }

  return {
    expire,

    /** `FINGERPRINT_MISMATCH` when one is given and the key has another; `NOT_FOUND` when no such host waits. */
    async approve(name: string, fingerprint: string | undefined, by: Actor): Promise<HostView> {
      await decide(async (transaction, now) => {
        const host = await waiting(transaction, name);
        const actual = fingerprintText(host.key_fingerprint);
        if (fingerprint !== undefined && fingerprint !== actual) throw mismatch(name, actual);
        await transaction
          .updateTable('hosts')
          .set({ state: 'active', enrolled_at: now.toISOString() })
          .where('id', '=', host.id)
          .execute();
        const details = { host_id: host.id, key: host.key_fingerprint, compared: fingerprint !== undefined };
        await audit.record(transaction, { event: 'host.approved', by, subject: name, details });
      });
      logger.info('host approved', { host: name, by: by.name });
      return views.host(name);
    },

    async reject(name: string, reason: string, by: Actor): Promise<HostView> {
      await decide(async (transaction, now) => {
        const host = await waiting(transaction, name);
        await transaction
          .updateTable('hosts')
          .set({ state: 'rejected', ended_at: now.toISOString(), end_reason: reason })
          .where('id', '=', host.id)
          .execute();
        const details = { host_id: host.id, key: host.key_fingerprint, reason };
        await audit.record(transaction, { event: 'host.rejected', by, subject: name, details });
      });
      logger.info('host rejected', { host: name, by: by.name, reason });
      return views.host(name);
    },
  };
}

async function waiting(transaction: Queries, name: string): Promise<{ id: string; key_fingerprint: string }> {
  const host = await transaction
    .selectFrom('hosts')
    .innerJoin('token_uses', 'token_uses.host_id', 'hosts.id')
    .select(['hosts.id', 'token_uses.key_fingerprint'])
    .where('hosts.name', '=', name)
    .where('hosts.state', '=', 'pending')
    .executeTakeFirst();
  if (host !== undefined) return host;
  throw new TorchpassError('NOT_FOUND', `No host ${JSON.stringify(name.slice(0, 80))} waits for approval.`, {
    hint: 'See "torchpass host list".',
  });
}

function mismatch(name: string, actual: string): TorchpassError {
  return new TorchpassError(
    'FINGERPRINT_MISMATCH',
    `The key of the host "${name}" has the fingerprint ${actual}, not the one that was given. It was not approved.`,
    { hint: `Compare with what the agent shows on that server. If it is not the same: torchpass host reject ${name}` },
  );
}
