import { expect, it } from 'vitest';
import { randomId, systemRandom } from './random.ts';
import { seededRandom } from './testing/index.ts';

it('identifiers have the length asked for, letters for a file name, and do not repeat', () => {
  const ids = Array.from({ length: 2000 }, () => randomId(systemRandom, 16));
  for (const id of ids) expect(id).toMatch(/^[a-z2-7]{16}$/);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(ids.join('')).size).toBe(32);
});

it('a fraction is never 1', () => {
  for (const random of [systemRandom, seededRandom('a')]) {
    for (let n = 0; n < 1000; n += 1) {
      const fraction = random.fraction();
      expect(fraction).toBeGreaterThanOrEqual(0);
      expect(fraction).toBeLessThan(1);
    }
  }
});

it('the same seed gives the same stream, another seed another', () => {
  const stream = (seed: string) => seededRandom(seed).bytes(100).toString('hex');
  expect(stream('a')).toBe(stream('a'));
  expect(stream('a')).not.toBe(stream('b'));
  expect(seededRandom('a').bytes(100)).toHaveLength(100);
});
