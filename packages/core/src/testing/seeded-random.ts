import { createHash } from 'node:crypto';
import type { Random } from '../random.ts';

/** A reproducible stream: SHA-256 in counter mode over the seed. For tests only. */
export function seededRandom(seed: string): Random {
  let counter = 0;
  const block = () =>
    createHash('sha256')
      .update(`${seed}:${(counter += 1)}`)
      .digest();
  return {
    bytes(length) {
      const blocks: Buffer[] = [];
      for (let have = 0; have < length; have += 32) blocks.push(block());
      return Buffer.concat(blocks).subarray(0, length);
    },
    fraction: () => block().readUInt32BE(0) / 2 ** 32,
  };
}
