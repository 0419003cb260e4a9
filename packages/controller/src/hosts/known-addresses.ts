import type { Clock, Logger } from '@torchpass/core';
import { callerKey } from '../limits/caller-key.ts';
import type { Store } from '../store/store.ts';

/** Where the fleet's hosts connect from, as far as is known before a connection has proven anything. */
export interface KnownAddresses {
  /** Whether an active host was last seen there; `caller` as `callerKey` gives it. */
  has(caller: string): boolean;
  /** A host has just proven itself from there. */
  add(caller: string): void;
}

/** A host that was revoked keeps its preference for no longer. */
const REFRESH_MS = 60_000;

/** Reads the addresses of all active hosts, and again when somebody asks and they are older than a minute. */
export async function createKnownAddresses(tools: {
  store: Store;
  clock: Clock;
  logger: Logger;
}): Promise<KnownAddresses> {
  const { store, clock, logger } = tools;
  let known = await read(store);
  let readAt = clock.now().getTime();

  const refresh = async () => {
    readAt = clock.now().getTime();
    known = await read(store).catch((error: unknown) => {
      logger.warn('addresses of hosts not refreshed', { error });
      return known;
    });
  };
  return {
    has(caller) {
      if (Math.abs(clock.now().getTime() - readAt) >= REFRESH_MS) void refresh();
      return known.has(caller);
    },
    add: (caller) => void known.add(caller),
  };
}

async function read(store: Store): Promise<Set<string>> {
  const rows = await store.selectFrom('hosts').select('address').distinct().where('state', '=', 'active').execute();
  return new Set(rows.map(({ address }) => callerKey(address)));
}
