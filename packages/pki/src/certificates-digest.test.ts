import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { certificatesDigest } from './certificates-digest.ts';

const [a, b] = [Buffer.from('first'), Buffer.from('second')];
const sha256 = (...parts: Buffer[]) => {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
};

it('is the hash of the sorted hashes, whatever the order and the repetitions', () => {
  const expected = sha256(...[sha256(a), sha256(b)].toSorted((one, other) => one.compare(other)));
  expect(certificatesDigest([a, b])).toEqual(expected);
  expect(certificatesDigest([b, a, b])).toEqual(expected);
});

it('differs for a part, for more and for nothing', () => {
  const digests = [[], [a], [b], [a, b]].map((set) => certificatesDigest(set).toString('hex'));
  expect(new Set(digests).size).toBe(4);
});
