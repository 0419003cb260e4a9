import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';
import { systemRandom, type Random } from './random.ts';

const options = { firstMs: 1000, longestMs: 3_600_000 };
const always = (fraction: number): Random => ({ bytes: systemRandom.bytes, fraction: () => fraction });

it('doubles from the first pause to the longest', () => {
  const pauses = [1, 2, 3, 4, 12, 13, 14].map((failures) => backoffMs(failures, options, always(0)));
  expect(pauses).toEqual([500, 1000, 2000, 4000, 1_024_000, 1_800_000, 1_800_000]);
});

it('stays between half of the ceiling and the ceiling, however often it failed', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 60_000 }), fc.nat(86_400_000), (failures, firstMs, more) => {
      const longestMs = firstMs + more;
      const pause = backoffMs(failures, { firstMs, longestMs }, systemRandom);
      expect(pause).toBeGreaterThanOrEqual(Math.floor(firstMs / 2));
      expect(pause).toBeLessThanOrEqual(longestMs);
    }),
  );
});

it('a fleet that failed together spreads over half of the pause', () => {
  const pauses = Array.from({ length: 500 }, () => backoffMs(10, options, systemRandom));
  expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(0.4 * 512_000);
});
