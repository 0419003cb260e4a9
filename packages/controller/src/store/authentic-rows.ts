import { TorchpassError } from '@torchpass/core';
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Authenticated } from './authenticated.ts';
import type { Tables } from './schema.ts';

/**
 * The columns that are authenticated: all that are decided once or by us alone, and that something is signed, trusted or let in for.
 * What changes all the time, and what only takes away, is left out.
 */
const COLUMNS = {
  authorities: [
    'id',
    'role',
    'state',
    'certificate',
    'key_reference',
    'not_before',
    'not_after',
    'created_at',
    'issued_by',
    'tbs',
    'distributed_at',
    'activated_at',
    'retired_at',
    'dropped_at',
    'gone_at',
  ],
  authority_drafts: ['id', 'role', 'key_reference', 'issued_by', 'tbs', 'not_before', 'not_after', 'reserved_at'],
  rotations: ['role', 'mode', 'left_behind', 'reason', 'started_at'],
  certificates: [
    'serial',
    'authority_id',
    'role',
    'host_id',
    'subject_name',
    'dns_names',
    'ip_addresses',
    'key_fingerprint',
    'tbs',
    'not_before',
    'not_after',
    'reserved_at',
  ],
  join_tokens: [
    'id',
    'secret_hash',
    'job',
    'labels',
    'host_name',
    'addresses',
    'networks',
    'exporters',
    'approval',
    'max_uses',
    'replaces_host_id',
    'created_at',
    'expires_at',
  ],
  hosts: ['id', 'name', 'token_id', 'job', 'labels', 'addresses', 'exporters'],
} as const satisfies { [T in keyof Tables]?: readonly (keyof Tables[T])[] };

type AuthenticTable = keyof typeof COLUMNS;

/** Rows that somebody who can write to the database, and has no passphrase, can neither make nor change. */
export interface AuthenticRows {
  /** The row with its MAC, to be stored: HMAC-SHA-256, hexadecimal. */
  seal<Row extends object>(table: AuthenticTable, row: Row): Row & Authenticated;
  /** The same row when it is as it was sealed. ROW_NOT_AUTHENTIC. */
  check<Row extends Authenticated>(table: AuthenticTable, row: Row): Row;
}

/** `key`: 32 bytes that only the passphrase gives. */
export function createAuthenticRows(key: Buffer): AuthenticRows {
  const macOf = (table: AuthenticTable, row: object): Buffer => {
    const values = new Map<string, unknown>(Object.entries(row));
    const content = COLUMNS[table].map((column) => plain(values.get(column)));
    return createHmac('sha256', key)
      .update(JSON.stringify([table, ...content]))
      .digest();
  };
  return {
    seal: (table, row) => ({ ...row, mac: macOf(table, row).toString('hex') }),
    check(table, row) {
      const stored = Buffer.from(row.mac, 'hex');
      const expected = macOf(table, row);
      if (stored.length === expected.length && timingSafeEqual(stored, expected)) return row;
      throw new TorchpassError('ROW_NOT_AUTHENTIC', `A row of the table ${table} was not written by Torchpass.`, {
        hint: 'Somebody wrote to the database past the controller. See docs/errors.md before doing anything else.',
      });
    },
  };
}

/** Every kind of value in one spelling of its own. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return { bytes: value.toString('hex') };
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  throw new TypeError('a column that is authenticated is missing');
}
