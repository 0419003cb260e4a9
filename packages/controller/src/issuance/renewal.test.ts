import { expect, it } from 'vitest';
import { BACKDATE_MS } from './authorities.ts';
import { isDue } from './renewal.ts';

const issued = new Date('2026-01-01T12:00:00Z');
const after = (milliseconds: number) => new Date(issued.getTime() + milliseconds);

it.each([60_000, 3_600_000, 7 * 86_400_000])(
  'a certificate of %d ms is renewed half-way, and not before',
  (lifetime) => {
    const certificate = { notBefore: after(-BACKDATE_MS), notAfter: after(lifetime) };
    expect(isDue(certificate, issued)).toBe(false);
    expect(isDue(certificate, after(lifetime / 2 - 1000))).toBe(false);
    expect(isDue(certificate, after(lifetime / 2))).toBe(true);
  },
);

it('one from the future is renewed: the clock was wrong when it was made', () => {
  expect(isDue({ notBefore: after(1000), notAfter: after(90_000) }, issued)).toBe(true);
});
