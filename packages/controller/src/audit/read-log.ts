import { parseDuration, type Clock } from '@torchpass/core';
import type { AuditEntryView, AuditPage, ReadAuditRequest } from '../api/types.ts';
import { listFrom } from '../store/json.ts';
import type { Store } from '../store/store.ts';
import { EMPTY, readHead, type AuditRow } from './chain.ts';

/** Entries from the newest to the oldest, a page at a time. */
export async function readLog(
  { store, clock }: { store: Store; clock: Clock },
  { since, event, subject, before, limit }: ReadAuditRequest,
): Promise<AuditPage> {
  let query = store
    .selectFrom('audit_log')
    .selectAll()
    .orderBy('number', 'desc')
    .limit(limit + 1);
  if (before !== undefined) query = query.where('number', '<', before);
  if (event !== undefined) query = query.where('event', '=', event);
  if (subject !== undefined) query = query.where('subject', '=', subject);
  if (since !== undefined) {
    const start = new Date(clock.now().getTime() - parseDuration(since)).toISOString();
    query = query.where('number', '>=', await firstSince(store, start));
  }
  const rows = await query.execute();
  const entries = rows.slice(0, limit).map(viewOf);
  return { entries, next: rows.length > limit ? (entries.at(-1)?.number ?? null) : null };
}

/** By halves: the log is as good as sorted by time, and may be a million entries long. */
async function firstSince(store: Store, start: string): Promise<number> {
  const head = (await readHead(store)) ?? EMPTY;
  let [from, to] = [head.pruned_number + 1, head.number + 1];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    const row = await store
      .selectFrom('audit_log')
      .select(['number', 'at'])
      .where('number', '>=', middle)
      .orderBy('number')
      .limit(1)
      .executeTakeFirst();
    if (row === undefined || row.at >= start) to = middle;
    else from = row.number + 1;
  }
  return from;
}

function viewOf({ number, at, event, actor, subject, details, mac }: AuditRow): AuditEntryView {
  const [kind = '', name = '', from = ''] = listFrom(actor);
  return { number, at, event, by: { kind, name, from }, subject, details: detailsOf(details), mac };
}

/** Written by us alone; shown as it is when somebody made it something else, which `audit verify` tells. */
function detailsOf(json: string): AuditEntryView['details'] {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Below.
  }
  return { unreadable: json };
}
