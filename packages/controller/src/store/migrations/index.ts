import type { ColumnDataType, Kysely } from 'kysely';
import { up as firstLight } from './0001-first-light.ts';
import { up as audit } from './0002-audit.ts';
import { up as approval } from './0003-approval.ts';
import { up as otherAddress } from './0003-other-address.ts';
import { up as renewal } from './0004-renewal.ts';
import { up as revocation } from './0005-revocation.ts';
import { up as rotation } from './0006-rotation.ts';
import { up as keys } from './0007-keys.ts';
import { up as restore } from './0008-restore.ts';
import { up as authenticRows } from './0009-authentic-rows.ts';

export interface MigrationContext {
  /** The database's name for a string of bytes. */
  binary: ColumnDataType;
}

export type Migration = (db: Kysely<unknown>, context: MigrationContext) => Promise<void>;

/** In order, for ever: a released migration is never edited, a change is a new one at the end. */
export const MIGRATIONS: readonly { name: string; up: Migration }[] = [
  { name: '0001-first-light', up: firstLight },
  { name: '0002-audit', up: audit },
  { name: '0003-approval', up: approval },
  { name: '0003-other-address', up: otherAddress },
  { name: '0004-renewal', up: renewal },
  { name: '0005-revocation', up: revocation },
  { name: '0006-rotation', up: rotation },
  { name: '0007-keys', up: keys },
  { name: '0008-restore', up: restore },
  { name: '0009-authentic-rows', up: authenticRows },
];
