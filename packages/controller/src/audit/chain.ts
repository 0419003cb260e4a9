import { createHmac } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { AuditHeadTable, AuditLogTable } from '../store/schema.ts';
import type { Queries } from '../store/store.ts';

export type AuditRow = Selectable<AuditLogTable>;

/** Where the log begins (after the entry that was pruned last) and ends. */
export type AuditHead = Omit<Selectable<AuditHeadTable>, 'id' | 'head_mac'>;

/** Of an entry that has none before it. */
export const BEGINNING = '0'.repeat(64);

/** Of a log without any entry. */
export const EMPTY: AuditHead = { number: 0, mac: BEGINNING, pruned_number: 0, pruned_mac: BEGINNING };

/**
 * Authenticates an entry together with the one before it: HMAC-SHA-256, hexadecimal. The key comes from the passphrase, so
 * who can only write to the database can neither change, remove or reorder entries nor add one unnoticed.
 */
export function macOf(key: Buffer, previous: string, row: Omit<AuditRow, 'mac'>): string {
  const { number, at, event, actor, subject, details } = row;
  return createHmac('sha256', key)
    .update(JSON.stringify(['entry', previous, number, at, event, actor, subject, details]))
    .digest('hex');
}

/** Authenticates where the log begins and which entry is the last one, so that neither end can be cut off. */
export function macOfHead(key: Buffer, { number, mac, pruned_number, pruned_mac }: AuditHead): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(['head', number, mac, pruned_number, pruned_mac]))
    .digest('hex');
}

export function readHead(queries: Queries): Promise<Selectable<AuditHeadTable> | undefined> {
  return queries.selectFrom('audit_head').selectAll().executeTakeFirst();
}

/** Of a head that was made after one that was not ours: no MAC, so that the log never verifies again. */
const BROKEN = '';

/** The head of a new log, in the transaction that makes the installation. */
export async function beginLog(queries: Queries, key: Buffer): Promise<void> {
  const row = { ...EMPTY, head_mac: macOfHead(key, EMPTY) };
  await queries
    .insertInto('audit_head')
    .values({ id: 1, ...row })
    .execute();
}

/** Moves the head, in the caller's transaction. One that is not authentic, or is gone, is never made so. */
export async function writeHead(queries: Queries, key: Buffer, head: AuditHead): Promise<void> {
  const { number, mac, pruned_number, pruned_mac } = head;
  const before = await readHead(queries);
  const isOurs = before !== undefined && before.head_mac === macOfHead(key, before);
  const row = { number, mac, pruned_number, pruned_mac, head_mac: isOurs ? macOfHead(key, head) : BROKEN };
  await queries
    .insertInto('audit_head')
    .values({ id: 1, ...row })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute();
}

/** `NUMBER:MAC`, as the program's log has it and `--head` takes it. */
export function headText({ number, mac }: Pick<AuditHead, 'number' | 'mac'>): string {
  return `${number}:${mac}`;
}
