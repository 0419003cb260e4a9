import { systemClock } from '@torchpass/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LIFETIME_MS } from '../testing/installation.ts';
import { type Lab, startLab } from '../testing/lab.ts';
import { statusLines } from './status-text.ts';

let lab: Lab;
let aheadMs: number;
const clock = { now: () => new Date(Date.now() + aheadMs), sleep: systemClock.sleep };
/** As a timer does it: a process of its own each time. Answers whether there was a pass, and how it went. */
const tick = () =>
  lab
    .agent({ clock })
    .syncIfDue()
    .then(
      (outcome) => (outcome instanceof Date ? 'not due' : 'done'),
      () => 'failed',
    );
const status = () => lab.agent({ clock }).status();

beforeEach(async () => {
  aheadMs = 0;
  lab = await startLab();
  await lab.agent().enroll(lab.controller.token());
  lab.controller.book.calls = [];
});
afterEach(() => lab.close());

test('a timer that comes too early does nothing; when it is time, it makes a pass', async () => {
  expect(await tick()).toBe('not due');
  expect(lab.controller.book.calls).toEqual([]);
  aheadMs = 67_000;
  expect(await tick()).toBe('done');
  expect(await tick()).toBe('not due');
  expect(lab.controller.book.calls).toEqual(['checkIn']);
  // By hand there is always one, and a clock that was set back by a year does not stop the timer.
  await lab.agent({ clock }).sync();
  aheadMs -= 366 * 86_400_000;
  expect(await tick()).toBe('failed');
});

test('failures are counted over processes: the pauses grow, and the status says so', async () => {
  lab.controller.book.rejectIdentities = true;
  const pauses: number[] = [];
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const { next_attempt_at: next } = await status();
    const left = new Date(next ?? 0).getTime() - clock.now().getTime();
    pauses.push(left / 1000);
    aheadMs += left + 100;
    expect(await tick()).toBe('failed');
    expect((await status()).failures).toBe(attempt);
  }
  expect(pauses[1]).toBeLessThanOrEqual(1);
  expect(pauses[4]).toBeGreaterThan(3);
  expect(statusLines(await status(), clock.now()).join('\n')).toMatch(
    /Retries +5 passes in a row failed; next attempt: in \d+s.*"torchpass-agent sync --if-due"/,
  );
  lab.controller.book.rejectIdentities = false;
  aheadMs += 600_000;
  expect(await tick()).toBe('done');
  expect((await status()).failures).toBe(0);
});

test('near the end of a certificate the attempts come faster again', async () => {
  lab.controller.book.rejectIdentities = true;
  aheadMs = LIFETIME_MS - 600_000;
  for (let attempt = 0; attempt < 12; attempt += 1) {
    expect(await tick()).toBe('failed');
    const { next_attempt_at: next } = await status();
    const left = new Date(next ?? 0).getTime() - clock.now().getTime();
    expect(left).toBeLessThanOrEqual(Math.max(1000, (LIFETIME_MS - aheadMs) / 10));
    aheadMs += left + 100;
  }
});
