import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '@torchpass/core/testing';
import { calmPauseMs, retryPauseMs } from './pauses.ts';

const random = (fraction: number) => ({ fraction: () => fraction, bytes: () => Buffer.alloc(0) });

test('the ladder doubles from a second to ten minutes', () => {
  const pauses = Array.from({ length: 14 }, (_, index) => retryPauseMs(index + 1, undefined, random(1)) / 1000);
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600, 600]);
});

test('near the end of a certificate it becomes faster again, down to a second', () => {
  const at = (left: number) => retryPauseMs(20, left, random(1));
  expect(at(10 * 3_600_000)).toBe(600_000);
  expect(at(3_600_000)).toBe(360_000);
  expect(at(60_000)).toBe(6000);
  expect(at(2000)).toBe(1000);
});

test('an expired certificate does not make it hammer the controller', () => {
  expect(retryPauseMs(20, -5, random(1))).toBe(600_000);
  expect(retryPauseMs(20, 0, random(1))).toBe(600_000);
});

test('a pause is never below a second, and never above a tenth of the life that is left', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 10_000, max: 1e9 }),
      fc.string(),
      (failures, left, seed) => {
        const pause = retryPauseMs(failures, left, seededRandom(seed));
        expect(pause).toBeGreaterThanOrEqual(1000);
        expect(pause).toBeLessThanOrEqual(left / 10 + 1e-6);
      },
    ),
  );
});

test('after a success: the earlier of the two, give or take a tenth', () => {
  expect(calmPauseMs(60_000, 1e9, random(0.5))).toBe(60_000);
  expect(calmPauseMs(60_000, 30_000, random(0.5))).toBe(30_000);
  expect(calmPauseMs(60_000, 1e9, random(0))).toBeCloseTo(54_000);
  expect(calmPauseMs(60_000, 1e9, random(1))).toBeCloseTo(66_000);
  expect(calmPauseMs(60_000, -5, random(0.5))).toBe(1000);
});

test('a fleet that met the same outage comes back spread out, also near the end of its certificates', () => {
  const fleet = Array.from({ length: 1000 }, (_, host) => seededRandom(`host-${host}`));
  for (const left of [undefined, 600_000]) {
    const arrivals = fleet.map((random) => retryPauseMs(20, left, random));
    const [first, last] = [Math.min(...arrivals), Math.max(...arrivals)];
    const slots = Map.groupBy(arrivals, (at) => Math.floor(((at - first) / (last - first + 1)) * 20));
    // A twentieth of the time sees about a twentieth of them.
    expect(Math.max(...[...slots.values()].map((hosts) => hosts.length))).toBeLessThan(100);
    expect(last).toBeGreaterThan(first * 1.8);
  }
});
