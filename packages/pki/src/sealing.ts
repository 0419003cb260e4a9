import type { KeyObject } from 'node:crypto';
import type { Random, Secret } from '@torchpass/core';
import { notYet } from './not-yet.ts';

/** How the key-encryption key comes from the passphrase. JSON-able; not secret. */
export interface SealingParameters {
  kdf: 'scrypt';
  N: number;
  r: number;
  p: number;
  /** Base64. */
  salt: string;
  /** Base64; tells a wrong passphrase from a damaged box. */
  check: string;
}

export interface Sealing {
  /** A private key as one line of text; `context` must be given again to open it. */
  seal(key: KeyObject, context: string): string;
  unseal(box: string, context: string): KeyObject;
}

export function newSealing(
  _passphrase: Secret,
  _random: Random,
): Promise<{ parameters: SealingParameters; sealing: Sealing }> {
  return notYet();
}

export function openSealing(_passphrase: Secret, _parameters: SealingParameters): Promise<Sealing> {
  return notYet();
}
