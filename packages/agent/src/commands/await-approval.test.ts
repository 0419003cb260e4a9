import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TorchpassError } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { createPrivateKey } from 'node:crypto';
import { fingerprintText, keyFingerprint, publicKeyInfo } from '@torchpass/pki';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Lab, startLab } from '../testing/lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
});
afterEach(() => lab.close());

const pending = () => new TorchpassError('APPROVAL_PENDING', 'It waits.');
const away = () => new TorchpassError('CONTROLLER_UNREACHABLE', 'It is away.');

/** Of the key that the agent keeps, from its file. */
async function fingerprint(): Promise<string> {
  const path = join(lab.settings.storagePath, (await lab.stored()).find((file) => file.includes('join')) ?? 'none');
  return fingerprintText(keyFingerprint(publicKeyInfo(createPrivateKey(await readFile(path, 'utf8')))));
}

/** Lets time go to the next attempt, and answers how long the agent slept. */
async function nextAttempt(clock: ManualClock): Promise<number> {
  const wake = await vi.waitFor(() => {
    expect(clock.nextWake).toBeDefined();
    return clock.nextWake ?? clock.now();
  });
  const pause = wake.getTime() - clock.now().getTime();
  clock.advance(pause);
  return pause;
}

test('an agent that has to wait shows its key, asks again with growing pauses, and is let in with the same key', async () => {
  const clock = new ManualClock(new Date());
  const { book } = lab.controller;
  book.enrollErrors = [pending(), pending(), away(), pending(), pending()];
  const enrolment = lab.agent({ clock, random: { bytes: (n) => Buffer.alloc(n), fraction: () => 1 } });
  const ended = enrolment.enroll(lab.controller.token(), { waitMs: 3_600_000 });
  const pauses = [await nextAttempt(clock)];
  const shown = await fingerprint();
  for (let n = 1; n < 5; n += 1) pauses.push(await nextAttempt(clock));
  expect(await ended).toMatchObject({ complete: true });
  expect(pauses).toEqual([5000, 10_000, 20_000, 40_000, 60_000]);
  expect(book.hosts).toHaveLength(1);
  expect(fingerprintText(book.hosts[0]?.key ?? '')).toBe(shown);
  expect(lab.said.filter((sentence) => sentence.includes(shown))).toHaveLength(1);
});

test('one that is not to wait keeps its key and goes on with it, and the same token, later', async () => {
  const token = lab.controller.token();
  lab.controller.book.enrollErrors = [pending()];
  const refused = lab.agent().enroll(token, { waitMs: 0 });
  await expect(refused).rejects.toMatchObject({
    code: 'APPROVAL_PENDING',
    hint: expect.stringContaining('same token') as string,
  });
  const shown = await fingerprint();
  await expect(refused).rejects.toThrow(shown);
  expect(await lab.agent().enroll(token)).toMatchObject({ complete: true });
  expect(fingerprintText(lab.controller.book.hosts[0]?.key ?? '')).toBe(shown);
});

test('Ctrl-C while waiting ends it at once and keeps the key', async () => {
  lab.controller.book.enrollErrors = [pending()];
  const interrupt = new AbortController();
  const clock = new ManualClock(new Date());
  const ended = lab.agent({ clock }).enroll(lab.controller.token(), { signal: interrupt.signal });
  await vi.waitFor(() => expect(clock.nextWake).toBeDefined());
  interrupt.abort(new Error('interrupted'));
  await expect(ended).rejects.toThrow('interrupted');
  expect(await fingerprint()).toMatch(/^SHA256:/);
});

test('one that was turned away stops asking', async () => {
  const clock = new ManualClock(new Date());
  lab.controller.book.enrollErrors = [pending(), new TorchpassError('TOKEN_REJECTED', 'No.')];
  const ended = lab
    .agent({ clock })
    .enroll(lab.controller.token())
    .catch((error: unknown) => error);
  await nextAttempt(clock);
  expect(await ended).toMatchObject({ code: 'TOKEN_REJECTED' });
  expect(clock.nextWake).toBeUndefined();
});
