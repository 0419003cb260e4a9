import type { Clock, Logger } from '@torchpass/core';
import type { Store } from '../store/store.ts';

/** More than any machine sleeps between two looks at a controller that works. */
const JUMP_MS = 24 * 60 * 60_000;
/** How long a clock has to agree with itself after a jump. */
const TRIAL_MS = 60 * 60_000;

interface Tools {
  store: Store;
  clock: Clock;
  logger: Logger;
}

/**
 * Tells whether the clock is to be doubted: it jumped by more than a day, in either direction, less than an hour ago. Nothing
 * that cannot be undone is done by itself then. The first look compares with the newest entry of the audit log, so that a
 * machine that starts with a wrong clock is noticed, too.
 */
export function createClockDoubt({ store, clock, logger }: Tools) {
  let last: Date | undefined;
  let doubtedSince: Date | undefined;

  return {
    /** When the doubt ends if the clock goes on like this; undefined: there is none. */
    until: () => (doubtedSince === undefined ? undefined : new Date(doubtedSince.getTime() + TRIAL_MS)),

    /** Looks at the clock: at every pass of upkeep. Answers whether it is to be doubted. */
    async look(): Promise<boolean> {
      const now = clock.now();
      const before = last ?? (await newestEntry());
      last = now;
      if (before !== undefined && Math.abs(now.getTime() - before.getTime()) > JUMP_MS) {
        doubtedSince = now;
        logger.warn('the clock jumped: rotations wait until it has agreed with itself for an hour', { before, now });
      } else if (doubtedSince !== undefined && now.getTime() - doubtedSince.getTime() >= TRIAL_MS) {
        doubtedSince = undefined;
      }
      return doubtedSince !== undefined;
    },
  };

  async function newestEntry(): Promise<Date | undefined> {
    const entry = await store
      .selectFrom('audit_log')
      .select('at')
      .orderBy('number', 'desc')
      .limit(1)
      .executeTakeFirst();
    return entry === undefined ? undefined : new Date(entry.at);
  }
}
