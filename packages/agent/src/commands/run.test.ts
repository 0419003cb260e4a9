import { join } from 'node:path';
import { createLogger, nodeFiles } from '@torchpass/core';
import { ManualClock, seededRandom } from '@torchpass/core/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withLock } from '../storage/lock.ts';
import { type Lab, startLab } from '../testing/lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
  await lab.agent().enroll(lab.controller.token());
  lab.controller.book.calls = [];
});
afterEach(() => lab.close());

/** A resident agent whose time stands still between two passes. */
function startResident(renew: { settings?: Lab['settings'] } = {}) {
  const clock = new ManualClock(new Date());
  const stop = new AbortController();
  const ended = lab.agent({ clock, random: seededRandom('run'), ...renew }).run(stop.signal);
  return {
    clock,
    ended,
    stop: () => stop.abort(),
    /** Waits until the agent sleeps, and says for how long, in seconds. */
    sleeping: async () => {
      await vi.waitFor(() => expect(clock.nextWake).toBeDefined(), { timeout: 20_000, interval: 5 });
      return ((clock.nextWake ?? clock.now()).getTime() - clock.now().getTime()) / 1000;
    },
  };
}

test('it comes back when the controller said, give or take a tenth, and ends cleanly when told', async () => {
  const resident = startResident();
  const pause = await resident.sleeping();
  expect(pause).toBeGreaterThanOrEqual(54);
  expect(pause).toBeLessThanOrEqual(66);
  expect(lab.controller.book.calls).toEqual(['checkIn']);
  resident.clock.advance(67_000);
  await resident.sleeping();
  expect(lab.controller.book.calls).toEqual(['checkIn', 'checkIn']);
  resident.stop();
  await expect(resident.ended).resolves.toBeUndefined();
  expect((await lab.stored()).filter((path) => path.includes('lock'))).toEqual([]);
});

test('it survives a controller that goes away and comes back, asking less and less often', async () => {
  lab.controller.book.rejectIdentities = true;
  const resident = startResident();
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    pauses.push(await resident.sleeping());
    resident.clock.advance((pauses.at(-1) ?? 0) * 1000);
  }
  const longest = [1, 2, 4, 8, 16];
  for (const [index, pause] of pauses.entries()) {
    expect(pause).toBeGreaterThanOrEqual(Math.max(1, (longest[index] ?? 0) / 2));
    expect(pause).toBeLessThanOrEqual(longest[index] ?? 0);
  }
  await resident.sleeping();
  lab.controller.book.rejectIdentities = false;
  resident.clock.advance(60_000);
  expect(await resident.sleeping()).toBeGreaterThan(50);
  resident.stop();
  await resident.ended;
});

test('an exporter that is down is looked at again soon', async () => {
  await lab.exporter.stop();
  const resident = startResident();
  expect(await resident.sleeping()).toBeLessThanOrEqual(1);
  await lab.exporter.restart();
  resident.clock.advance(1000);
  expect(await resident.sleeping()).toBeGreaterThan(50);
  resident.stop();
  await resident.ended;
});

test('a pass by hand works beside it, a second resident does not', async () => {
  const startOf = (pid: number) => Promise.resolve(String(pid));
  const stop = new AbortController();
  const clock = new ManualClock(new Date());
  const resident = lab.agent({ clock, processes: { self: 21, startOf } }).run(stop.signal);
  await vi.waitFor(() => expect(clock.nextWake).toBeDefined(), { timeout: 20_000, interval: 5 });
  expect(await lab.agent({ processes: { self: 22, startOf } }).sync()).toMatchObject({ complete: true });
  await expect(lab.agent({ processes: { self: 23, startOf } }).run(stop.signal)).rejects.toMatchObject({
    code: 'AGENT_BUSY',
    message: expect.stringContaining('process 21') as string,
  });
  stop.abort();
  await resident;
});

test('told to end in the middle of a call, it ends at once', async () => {
  const stop = new AbortController();
  lab.controller.book.answer = (desired) => {
    stop.abort();
    return desired;
  };
  await expect(lab.agent().run(stop.signal)).resolves.toBeUndefined();
});

test('on a host that is not enrolled it does not start', async () => {
  await lab.agent().leave();
  await expect(lab.agent().run(new AbortController().signal)).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
});

test('when the host has left, it ends and says so', async () => {
  const resident = startResident();
  await resident.sleeping();
  await lab.agent().leave();
  resident.clock.advance(67_000);
  await expect(resident.ended).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
  expect((await lab.stored()).filter((path) => /lock|identity/.test(path))).toEqual([]);
});

test.each(['sync', 'leave'] as const)('%s beside a pass of the resident agent waits for its end', async (command) => {
  const clock = new ManualClock(new Date());
  const pass = Promise.withResolvers<undefined>();
  const startOf = (pid: number) => Promise.resolve(String(pid));
  const resident = withLock(
    join(lab.settings.storagePath, 'lock'),
    { files: nodeFiles(), random: seededRandom('lock'), processes: { self: 31, startOf } },
    () => pass.promise,
  );
  const busy = lab.agent({ clock, processes: { self: 32, startOf } });
  const asleep = () => vi.waitFor(() => expect(clock.nextWake).toBeDefined(), { timeout: 5000, interval: 5 });

  const impatient = busy[command]();
  await asleep();
  clock.advance(11_000);
  await expect(impatient).rejects.toMatchObject({ code: 'AGENT_BUSY' });

  const patient = busy[command]();
  await asleep();
  pass.resolve(undefined);
  await resident;
  clock.advance(1000);
  await patient;
});

test('a failed pass is logged with its sentence, and its stack only for who asks', async () => {
  const lines = async (level: 'info' | 'debug') => {
    const logged: string[] = [];
    const logger = createLogger({ level, format: 'logfmt', write: (line) => void logged.push(line) });
    const settings = { ...lab.settings, controller: { host: '127.0.0.1', port: 1 } };
    const stop = new AbortController();
    const clock = new ManualClock(new Date());
    const ended = lab.agent({ clock, logger, settings }).run(stop.signal);
    await vi.waitFor(() => expect(clock.nextWake).toBeDefined(), { timeout: 20_000, interval: 5 });
    stop.abort();
    await ended;
    return logged.join('');
  };
  const stack = /\.[jt]s:\d+:\d+/;
  expect(await lines('info')).toMatch(/the pass failed.*CONTROLLER_UNREACHABLE.*does not answer/);
  expect(await lines('info')).not.toMatch(stack);
  expect(await lines('debug')).toMatch(stack);
});
