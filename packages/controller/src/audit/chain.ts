import { createHmac } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { AuditLogTable } from '../store/schema.ts';

export type AuditRow = Selectable<AuditLogTable>;

/** Of an entry that has none before it. */
export const BEGINNING = '0'.repeat(64);

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

/** Authenticates which entry is the last one, so that the log cannot be cut off. */
export function macOfHead(key: Buffer, head: { number: number; mac: string }): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(['head', head.number, head.mac]))
    .digest('hex');
}
