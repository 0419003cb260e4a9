import { describe, expect, it } from 'vitest';
import { absolute, relative } from './time.ts';

const now = new Date('2026-01-01T00:00:00Z');

describe('times', () => {
  it.each([
    ['2026-01-01T00:00:00.400Z', 'now'],
    ['2026-01-01T00:00:01.000Z', 'in 1 second'],
    ['2026-01-01T00:01:59.000Z', 'in 1 minute'],
    ['2026-01-01T02:00:00.000Z', 'in 2 hours'],
    ['2026-01-07T23:59:59.000Z', 'in 6 days'],
    ['2027-01-01T00:00:00.000Z', 'in 365 days'],
    ['2025-12-31T23:59:30.000Z', '30 seconds ago'],
    ['2025-12-30T23:00:00.000Z', '1 day ago'],
    ['no time', 'no time'],
  ])('%s is %s', (time, words) => {
    expect(relative(time, now)).toBe(words);
  });

  it('has the date too', () => {
    expect(absolute('2026-01-02T00:00:00.000Z', now)).toBe('2026-01-02T00:00:00Z (in 1 day)');
  });
});
