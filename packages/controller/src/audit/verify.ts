import { setImmediate as breathe } from 'node:timers/promises';
import type { Queries } from '../store/store.ts';
import { EMPTY, macOf, macOfHead, readHead, type AuditHead, type AuditRow } from './chain.ts';
import { faultAt, type AuditFault } from './fault.ts';

export interface Verified {
  /** How many entries were read and fit. */
  entries: number;
  /** Where the log begins and ends, as its head says. */
  head: AuditHead;
  /** The first thing that does not fit. */
  fault: AuditFault | undefined;
}

/** A head that was noted somewhere else. */
export interface NotedHead {
  number: number;
  mac: string;
}

/** A few milliseconds of work: other callers get their turn in between. */
const PAGE = 500;

/**
 * Walks over the log as it is now, in pages; entries that come meanwhile are not waited for. Nothing may be pruned
 * meanwhile: inside one transaction, or in turn with the pruning.
 */
export async function verifyLog(queries: Queries, key: Buffer, noted?: NotedHead): Promise<Verified> {
  const stored = await readHead(queries);
  const head = stored ?? EMPTY;
  const found = (fault: AuditFault | undefined, entries: number): Verified => ({ entries, head, fault });
  if (stored?.head_mac !== macOfHead(key, head)) return found(faultAt('head', head.number), 0);
  const stray = await firstEntry(queries);
  if (stray !== undefined && stray <= head.pruned_number) return found(faultAt('added', stray), 0);

  let last = { number: head.pruned_number, mac: head.pruned_mac };
  let seen = noted?.number === last.number ? last.mac : undefined;
  const read = () => last.number - head.pruned_number;
  for (
    let page = await pageAfter(queries, last.number);
    page.length > 0;
    page = await pageAfter(queries, last.number)
  ) {
    for (const row of page) {
      const expected = last.number + 1;
      if (expected > head.number && (await isBeyond(queries, row.number)))
        return found(faultAt('added', row.number), read());
      if (expected > head.number) return found(olderFault(head, noted, seen), read());
      if (row.number !== expected) return found(faultAt('missing', expected), read());
      if (row.mac !== macOf(key, last.mac, row)) return found(await misfit(queries, key, row), read());
      last = row;
      if (noted?.number === row.number) seen = row.mac;
    }
    await breathe();
  }
  if (last.number < head.number) return found(faultAt('cut-off', last.number + 1), read());
  if (last.mac !== head.mac) return found(faultAt('head', head.number), read());
  return found(olderFault(head, noted, seen), read());
}

function pageAfter(queries: Queries, number: number): Promise<AuditRow[]> {
  return queries
    .selectFrom('audit_log')
    .selectAll()
    .where('number', '>', number)
    .orderBy('number')
    .limit(PAGE)
    .execute();
}

/** The lowest number there is, also one that no entry can have. */
async function firstEntry(queries: Queries): Promise<number | undefined> {
  const row = await queries.selectFrom('audit_log').select('number').orderBy('number').limit(1).executeTakeFirst();
  return row?.number;
}

/** Whether it was not written while we walked: then the head has not moved over it either. */
async function isBeyond(queries: Queries, number: number): Promise<boolean> {
  return ((await readHead(queries)) ?? EMPTY).number < number;
}

/** A noted entry has to be the one that is there. One that was pruned says nothing any more. */
function olderFault(head: AuditHead, noted: NotedHead | undefined, seen: string | undefined): AuditFault | undefined {
  if (noted === undefined || noted.number < head.pruned_number || seen === noted.mac) return undefined;
  return faultAt('older', Math.min(noted.number, head.number + 1));
}

/** An entry that fits behind any other one was moved. Entries carry their number, so that is looked for around each. */
async function misfit(queries: Queries, key: Buffer, row: AuditRow): Promise<AuditFault> {
  for (
    let after = Number.MIN_SAFE_INTEGER, page = await pageAfter(queries, after);
    page.length > 0;
    page = await pageAfter(queries, after)
  ) {
    for (const other of page) {
      const places = [other.number + 1, other.number, other.number - 1];
      if (places.some((number) => row.mac === macOf(key, other.mac, { ...row, number })))
        return faultAt('reordered', row.number);
      after = other.number;
    }
    await breathe();
  }
  return faultAt('changed', row.number);
}
