import type { Clock, Logger } from '@torchpass/core';
import { callerKey } from '../limits/caller-key.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { Store } from '../store/store.ts';
import { CONTROLLER_ITSELF } from './actor.ts';
import type { Audit, AuditEntry } from './audit.ts';
import type { AuditEvent } from './events.ts';

/** Puts refusals on record, however many there are: see docs/adr/0012. */
export interface Refusals {
  /** Resolves when it is on record or counted. Never fails: the caller is refused anyway. */
  note(entry: AuditEntry): Promise<void>;
  /** Writes what was counted, when it is time; `now` for the last time. */
  flush(now?: 'now'): Promise<void>;
}

interface Tools {
  store: Store;
  audit: Audit;
  /** For the metrics. */
  observe: (event: AuditEvent) => void;
  clock: Clock;
  logger: Logger;
}

/** Entries at once, and a minute in the long run: less than the log holds in the whole time of its retention. */
const BUDGET = { capacity: 120, refillPerSecond: 1 / 60 };
const FLUSH_INTERVAL_MS = 10 * 60_000;
/** How many pairs of event and address are told apart between two flushes. */
const MOST_KEYS = 1000;

interface Repeated {
  entry: AuditEntry;
  /** Since the last entry about it. */
  count: number;
}

export function createRefusals({ store, audit, observe, clock, logger }: Tools): Refusals {
  const budget = new TokenBuckets({ ...BUDGET, clock, maxKeys: 1 });
  let known = new Map<string, Repeated>();
  let uncounted = new Map<AuditEvent, number>();
  let flushed = clock.now().getTime();

  const write = async (entry: AuditEntry): Promise<boolean> => {
    try {
      await audit.record(store, entry);
      return true;
    } catch (error) {
      logger.error('a refusal could not be put on record', { event: entry.event, error });
      return false;
    }
  };

  const summarize = (event: AuditEvent, count: number) => uncounted.set(event, (uncounted.get(event) ?? 0) + count);

  async function flushAll(): Promise<void> {
    const repeated = [...known.values()].filter(({ count }) => count > 0);
    // Who went on is likely to go on: the next one of these is counted again, not written.
    known = new Map(repeated.map(({ entry }) => [keyOf(entry), { entry, count: 0 }]));
    for (const { entry, count } of repeated) {
      const counted = { ...entry, details: { ...entry.details, repeated: count } };
      if (!(budget.take('') && (await write(counted)))) summarize(entry.event, count);
    }
    if (uncounted.size === 0) return;
    const summary = uncounted;
    uncounted = new Map();
    const details = Object.fromEntries(summary);
    const entry = { event: 'refusals.summarized', by: CONTROLLER_ITSELF, subject: 'refusals', details } as const;
    if (!(await write(entry))) for (const [event, count] of summary) summarize(event, count);
  }

  return {
    async note(entry) {
      observe(entry.event);
      const key = keyOf(entry);
      const before = known.get(key);
      if (before !== undefined) {
        // The newest is the one that is told.
        before.entry = entry;
        before.count += 1;
        return;
      }
      if (known.size >= MOST_KEYS) return void summarize(entry.event, 1);
      const fresh: Repeated = { entry, count: 0 };
      known.set(key, fresh);
      if (!(budget.take('') && (await write(entry)))) fresh.count += 1;
    },

    async flush(now) {
      if (now === undefined && clock.now().getTime() - flushed < FLUSH_INTERVAL_MS) return;
      flushed = clock.now().getTime();
      await flushAll();
    },
  };
}

/** One for each event and address; who has proven something is told apart by name and by what it was about. */
function keyOf({ event, by, subject }: AuditEntry): string {
  const proven = by.kind === 'stranger' ? [] : [by.name, subject];
  return [event, by.kind, callerKey(by.from), ...proven].join(' ');
}
