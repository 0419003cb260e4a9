import { TorchpassError } from '@torchpass/core';

/** The data key, and how the key that wraps it comes from the passphrase. JSON; worth nothing without the passphrase. */
export interface SealingParameters {
  kdf: 'scrypt';
  /** RFC 7914: cost (a power of two), block size, parallelism. */
  N: number;
  r: number;
  p: number;
  /** Base64. */
  salt: string;
  /** Base64; tells a wrong passphrase from a damaged box. */
  check: string;
  /** Base64; the wrapped data key: 12 bytes nonce, 32 bytes of AES-256-GCM, 16 bytes tag. */
  key: string;
}

const WEAKEST_COST = { N: 2 ** 15, r: 8, p: 1 } as const;

/** Beyond these, opening would hold up the machine: somebody else wrote the parameters. `memory` in bytes. */
export const STRONGEST_COST = { N: 2 ** 20, r: 16, p: 4, memory: 2 ** 30 + 2 ** 26 } as const;

/** The parameters as read from storage, decoded. KEY_SEAL_BROKEN when they are out of bounds. */
export function checkSealingParameters({ kdf, N, r, p, ...texts }: SealingParameters) {
  const salt = Buffer.from(textOr(texts.salt), 'base64');
  const check = Buffer.from(textOr(texts.check), 'base64');
  const key = Buffer.from(textOr(texts.key), 'base64');
  const isSound =
    kdf === 'scrypt' &&
    isWithin(N, WEAKEST_COST.N, STRONGEST_COST.N) &&
    Number.isInteger(Math.log2(N)) &&
    isWithin(r, WEAKEST_COST.r, STRONGEST_COST.r) &&
    isWithin(p, WEAKEST_COST.p, STRONGEST_COST.p) &&
    128 * N * r <= 2 ** 30 &&
    isWithin(salt.length, 16, 64) &&
    check.length === 32 &&
    key.length === 60;
  if (isSound) return { N, r, p, salt, check, key };
  throw new TorchpassError('KEY_SEAL_BROKEN', 'The stored parameters for the passphrase are damaged.', {
    hint: 'Restore them from a backup.',
  });
}

/** It comes from storage, whatever its type says. */
function textOr(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
