import { randomBytes, randomInt } from 'node:crypto';

/** The only source of randomness. Injected, so that jitter and identifiers can be fixed in tests. */
export interface Random {
  /** Cryptographically strong bytes. */
  bytes(length: number): Buffer;
  /** A number in [0, 1). */
  fraction(): number;
}

const FRACTION_STEPS = 2 ** 47;

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  fraction: () => randomInt(FRACTION_STEPS) / FRACTION_STEPS,
};

/** Lower-case base32 (RFC 4648 alphabet), without padding: identifiers that survive a phone call and a file name. */
export function randomId(random: Random, length: number): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return Array.from(random.bytes(length), (byte) => alphabet[byte & 31]).join('');
}
