import { formatDuration, parseDuration, TorchpassError, type Clock, type Random } from '@torchpass/core';
import type { OrderedRenewal, RenewHostsRequest } from '../api/types.ts';
import type { Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { Queries, Store } from '../store/store.ts';
import { orderRenewal } from './renewal-orders.ts';

const LONGEST_MS = 90 * 24 * 3_600_000;
const ROLES = { identity: ['agent'], exporters: ['exporter'], everything: ['agent', 'exporter'] } as const;

interface Tools {
  store: Store;
  audit: Audit;
  clock: Clock;
  random: Random;
}

/** Orders renewals on an operator's word: of some hosts or of all, at once or spread over a time. */
export function createRenewal({ store, audit, clock, random }: Tools) {
  return async ({ hosts: names, within, only }: RenewHostsRequest, by: Actor): Promise<OrderedRenewal> => {
    const spreadMs = durationOf(within);
    return store.transaction().execute(async (transaction) => {
      const hosts = await hostsNamed(transaction, names);
      const ids = names.length === 0 ? [null] : hosts.map(({ id }) => id);
      for (const role of ROLES[only ?? 'everything']) {
        for (const hostId of ids)
          await orderRenewal(transaction, { role, hostId, spreadMs, reason: 'by an operator' }, { clock, random });
      }
      const subject = names.length === 1 ? (names[0] ?? '') : 'hosts';
      const details = { hosts: names, within, only: only ?? 'everything' };
      await audit.record(transaction, { event: 'renewal.ordered', by, subject, details });
      const now = clock.now();
      const until = new Date(now.getTime() + spreadMs);
      return { hosts: hosts.length, from: now.toISOString(), until: until.toISOString() };
    });
  };
}

/** The active hosts of these names, or all. `NOT_FOUND` names the first that is not there. */
async function hostsNamed(queries: Queries, names: readonly string[]): Promise<{ id: string; name: string }[]> {
  const active = await queries.selectFrom('hosts').select(['id', 'name']).where('state', '=', 'active').execute();
  if (names.length === 0) return active;
  return names.map((name) => {
    const host = active.find((candidate) => candidate.name === name);
    if (host !== undefined) return host;
    throw new TorchpassError('NOT_FOUND', `There is no active host ${JSON.stringify(name.slice(0, 80))}.`, {
      hint: 'Nothing was ordered. See "torchpass host list".',
    });
  });
}

function durationOf(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds <= LONGEST_MS) return milliseconds;
  throw new TorchpassError('REQUEST_INVALID', `Renewals cannot be spread over ${text}.`, {
    hint: `Choose ${formatDuration(LONGEST_MS)} at most; certificates renew by themselves before that.`,
  });
}
