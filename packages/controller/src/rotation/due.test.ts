import { expect, it } from 'vitest';
import { isNearEnd } from './due.ts';

const DAY = 86_400_000;
const at = (days: number) => new Date(Date.UTC(2026, 0, 1) + days * DAY);
const authority = { notBefore: at(0), notAfter: at(900) };
const dueFrom = (policy: Parameters<typeof isNearEnd>[1], of = authority) =>
  Array.from({ length: 901 }, (_, day) => day).find((day) => isNearEnd(of, policy, at(day)));

it('is a third of its life before the end, or when it was configured', () => {
  expect(dueFrom({ rotateBeforeMs: undefined, longestLeafMs: 7 * DAY })).toBe(600);
  expect(dueFrom({ rotateBeforeMs: 90 * DAY, longestLeafMs: 7 * DAY })).toBe(810);
});

it('leaves room for two of the longest certificates that it issues', () => {
  expect(dueFrom({ rotateBeforeMs: 10 * DAY, longestLeafMs: 180 * DAY })).toBe(540);
});

it('is never in the first half of its life, or a short one would be rotated without end', () => {
  expect(dueFrom({ rotateBeforeMs: undefined, longestLeafMs: 366 * DAY })).toBe(450);
});
