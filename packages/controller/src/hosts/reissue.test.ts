import { ManualClock } from '@torchpass/core/testing';
import { expect, it } from 'vitest';
import type { Authorities, Authority } from '../issuance/authorities.ts';
import { createReissue } from './reissue.ts';

const HOUR = 3_600_000;

function withAuthorities() {
  const clock = new ManualClock(new Date('2026-01-01T00:00:00Z'));
  const active = { id: 'new', activatedAt: clock.now() } as Authority;
  const authorities = {
    active: () => active,
    open: (id: string) => (id === 'gone' ? undefined : active),
  } as unknown as Authorities;
  const reissue = createReissue({ authorities, clock, spreadMs: HOUR });
  const fleet = (authority_id: string) =>
    Array.from({ length: 400 }, (_, n) => ({
      serial: n.toString(16).padStart(32, '4'),
      role: 'exporter' as const,
      authority_id,
    }));
  const due = (authority_id: string) => fleet(authority_id).filter((row) => reissue.isDue(row)).length;
  return { clock, due };
}

it('replaces what the former authority issued, spread over the time that is given, and nothing of the new one', () => {
  const { clock, due } = withAuthorities();
  expect([due('old'), due('new')]).toEqual([0, 0]);
  clock.advance(HOUR / 2);
  expect(due('old')).toBeGreaterThan(150);
  expect(due('old')).toBeLessThan(250);
  clock.advance(HOUR / 2);
  expect([due('old'), due('new')]).toEqual([400, 0]);
});

it('replaces at once what an authority issued that is trusted no more', () => {
  expect(withAuthorities().due('gone')).toBe(400);
});
