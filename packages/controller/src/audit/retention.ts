import type { Clock } from '@torchpass/core';
import type { Queries, Store } from '../store/store.ts';
import { CONTROLLER_ITSELF } from './actor.ts';
import type { Audit } from './audit.ts';
import { EMPTY, readHead, writeHead } from './chain.ts';

export interface Retention {
  retentionMs: number;
  mostEntries: number;
}

interface Tools extends Retention {
  store: Store;
  audit: Audit;
  key: Buffer;
  clock: Clock;
}

/** By age, in one go: a clock that is wrong by years does not take the whole log with it. */
const MOST_BY_AGE = 1000;
/** In one transaction; others wait for it. */
const MOST_AT_ONCE = 5000;

/**
 * Removes what is too old or too much from the old end, and says so in an entry of the same transaction; the head then
 * authenticates the new beginning. Answers how many entries went. The pages are used again by entries to come.
 */
export async function prune({ store, audit, key, clock, retentionMs, mostEntries }: Tools): Promise<number> {
  let gone = 0;
  if ((await countGoing(store, { clock, retentionMs, mostEntries }, true)) === 0) return 0;
  for (let mayAge = true; ; mayAge = false) {
    const removed = await store.transaction().execute(async (transaction) => {
      const count = await countGoing(transaction, { clock, retentionMs, mostEntries }, mayAge);
      if (count === 0) return 0;
      const head = (await readHead(transaction)) ?? EMPTY;
      const number = head.pruned_number + count;
      const { mac } = await transaction
        .selectFrom('audit_log')
        .select('mac')
        .where('number', '=', number)
        .executeTakeFirstOrThrow();
      await writeHead(transaction, key, { ...head, pruned_number: number, pruned_mac: mac });
      await transaction.deleteFrom('audit_log').where('number', '<=', number).execute();
      const details = { entries: count, last_removed: number, last_removed_mac: mac };
      await audit.record(transaction, { event: 'audit.pruned', by: CONTROLLER_ITSELF, subject: 'audit log', details });
      return count;
    });
    gone += removed;
    if (removed < MOST_AT_ONCE) return gone;
  }
}

/** How many go at once. By age and by number; the entry that tells of it counts too. */
async function countGoing(
  queries: Queries,
  { clock, retentionMs, mostEntries }: Retention & { clock: Clock },
  mayAge: boolean,
): Promise<number> {
  const head = (await readHead(queries)) ?? EMPTY;
  const stored = head.number - head.pruned_number;
  const tooMany = stored > mostEntries ? stored + 1 - mostEntries : 0;
  const cutoff = new Date(clock.now().getTime() - retentionMs);
  const aged = mayAge ? await countOlder(queries, head.pruned_number, cutoff) : 0;
  return Math.min(MOST_AT_ONCE, Math.max(tooMany, aged), stored);
}

/** Only those before the first that is young enough: an entry from a clock that was late does not open a gap. */
async function countOlder(queries: Queries, after: number, cutoff: Date): Promise<number> {
  const oldest = await queries
    .selectFrom('audit_log')
    .select('at')
    .where('number', '>', after)
    .orderBy('number')
    .limit(MOST_BY_AGE)
    .execute();
  const young = oldest.findIndex(({ at }) => at >= cutoff.toISOString());
  return young === -1 ? oldest.length : young;
}
