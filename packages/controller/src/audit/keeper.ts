import { Turns, type Clock, type Logger } from '@torchpass/core';
import type { Store } from '../store/store.ts';
import type { Audit } from './audit.ts';
import { EMPTY, headText, readHead } from './chain.ts';
import type { Refusals } from './refusals.ts';
import { prune, type Retention } from './retention.ts';
import { verifyLog, type NotedHead, type Verified } from './verify.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** What the last verification found. */
export interface Verification {
  at: Date;
  sound: boolean;
}

interface Tools {
  store: Store;
  audit: Audit;
  refusals: Refusals;
  key: Buffer;
  retention: Retention;
  clock: Clock;
  logger: Logger;
}

/** Looks after the log: prunes it hourly, verifies it daily, and writes its head where the database does not reach. */
export function createAuditKeeper({ store, audit, refusals, key, retention, clock, logger }: Tools) {
  const turns = new Turns();
  let pruned: number | undefined;
  let noted: number | undefined;
  let last: Verification | undefined;

  const isDue = (since: number | undefined, every: number) => {
    const passed = clock.now().getTime() - (since ?? 0);
    // Also when the clock was set back.
    return since === undefined || passed >= every || passed < 0;
  };

  const keeper = {
    lastVerification: () => last,

    /** Not while it is pruned. */
    verify: (head?: NotedHead): Promise<Verified> =>
      turns.take('', async () => {
        const verified = await verifyLog(store, key, head);
        // A head from elsewhere may be mistyped: that is no fault of the log.
        if (head === undefined) last = { at: clock.now(), sound: verified.fault === undefined };
        return verified;
      }),

    async noteHead(): Promise<void> {
      logger.info('head of the audit log', { head: headText((await readHead(store)) ?? EMPTY) });
    },

    /** What is due now. */
    async pass(): Promise<void> {
      await refusals.flush();
      if (isDue(pruned, HOUR_MS)) {
        pruned = clock.now().getTime();
        const entries = await turns.take('', () => prune({ store, audit, key, clock, ...retention }));
        if (entries > 0) logger.info('audit log pruned', { entries });
      }
      if (!isDue(noted, DAY_MS)) return;
      noted = clock.now().getTime();
      const { fault } = await keeper.verify();
      if (fault !== undefined)
        logger.error('the audit log does not verify', { entry: fault.number, fault: fault.sentence });
      await keeper.noteHead();
    },

    /** At the end of the program. */
    async close(): Promise<void> {
      await refusals.flush('now');
      await keeper.noteHead();
    },
  };
  return keeper;
}

export type AuditKeeper = ReturnType<typeof createAuditKeeper>;
