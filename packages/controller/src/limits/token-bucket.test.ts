import { ManualClock } from '@torchpass/core/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBuckets } from './token-bucket.ts';

function buckets(options: Partial<ConstructorParameters<typeof TokenBuckets>[0]> = {}) {
  const clock = new ManualClock();
  return { clock, limit: new TokenBuckets({ capacity: 3, refillPerSecond: 1, maxKeys: 100, clock, ...options }) };
}

const times = <T>(count: number, work: () => T): T[] => Array.from({ length: count }, work);

describe('TokenBuckets', () => {
  it('lets a burst through, then one for each second', () => {
    const { clock, limit } = buckets();
    expect(times(4, () => limit.take('a'))).toEqual([true, true, true, false]);
    clock.advance(1000);
    expect(times(2, () => limit.take('a'))).toEqual([true, false]);
  });

  it('keeps callers apart', () => {
    const { limit } = buckets();
    times(4, () => limit.take('a'));
    expect(limit.take('b')).toBe(true);
  });

  it('does not hold more than the capacity after a long pause', () => {
    const { clock, limit } = buckets();
    limit.take('a');
    clock.advance(3_600_000);
    expect(times(4, () => limit.take('a'))).toEqual([true, true, true, false]);
  });

  it('neither frees nor locks out a caller when the clock is set back', () => {
    const { clock, limit } = buckets();
    times(3, () => limit.take('a'));
    clock.advance(-3_600_000);
    expect(limit.take('a')).toBe(false);
    clock.advance(1000);
    expect(limit.take('a')).toBe(true);
  });

  it('remembers no more than maxKeys callers', () => {
    const { limit } = buckets({ maxKeys: 10 });
    for (let n = 0; n < 1000; n += 1) limit.take(`caller ${n}`);
    expect(limit.size).toBe(10);
  });

  it('keeps a caller limited who goes on knocking while others flood', () => {
    const { limit } = buckets({ maxKeys: 10 });
    times(4, () => limit.take('knocker'));
    for (let n = 0; n < 1000; n += 1) {
      limit.take(`stranger ${n}`);
      expect(limit.take('knocker')).toBe(false);
    }
  });

  it('forgets those whose bucket is full again', () => {
    const { clock, limit } = buckets();
    for (let n = 0; n < 50; n += 1) limit.take(`caller ${n}`);
    clock.advance(3000);
    limit.take('late');
    expect(limit.size).toBe(1);
  });

  it('never lets through more than capacity + refill, whatever the pauses', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 200 }), (pauses) => {
        const { clock, limit } = buckets();
        let allowed = 0;
        for (const pause of pauses) {
          clock.advance(pause);
          if (limit.take('a')) allowed += 1;
        }
        const seconds = pauses.reduce((sum, pause) => sum + pause, 0) / 1000;
        expect(allowed).toBeLessThanOrEqual(3 + seconds + 1e-6);
      }),
    );
  });
});
