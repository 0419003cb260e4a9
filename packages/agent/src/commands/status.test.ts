import { ManualClock } from '@torchpass/core/testing';
import { TargetState } from '@torchpass/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Lab, startLab } from '../testing/lab.ts';
import { statusLines } from './status-text.ts';

const DAY_MS = 86_400_000;
const AWAY = { host: '127.0.0.1', port: 1 };

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
  await lab.agent().enroll(lab.controller.token());
});
afterEach(() => lab.close());

async function textOf(agent = lab.agent(), now = new Date()): Promise<string> {
  return statusLines(await agent.status(), now).join('\n');
}

test('without a resident agent it says so, and promises no check-in', async () => {
  expect(await lab.agent().status()).toMatchObject({ resident: null, next_pass_by: null, healthy: true, problems: [] });
  expect(await textOf()).toMatch(
    /no resident agent is running: start "torchpass-agent run", or run "torchpass-agent sync --if-due" every minute from a timer/,
  );
});

test('a resident agent is named with its next check-in; one that died is not', async () => {
  const startOf = (pid: number) => Promise.resolve(String(pid));
  const stop = new AbortController();
  const clock = new ManualClock(new Date());
  const ended = lab.agent({ clock, processes: { self: 21, startOf } }).run(stop.signal);
  await vi.waitFor(() => expect(clock.nextWake).toBeDefined(), { timeout: 20_000, interval: 5 });
  const beside = lab.agent({ processes: { self: 22, startOf } });
  expect(await beside.status()).toMatchObject({ resident: { pid: 21 }, next_pass_by: expect.any(String) as string });
  expect(await textOf(beside, clock.now())).toMatch(
    /Resident +"torchpass-agent run", process 21, next check-in: in (?:5\ds|1m\d?s?)/,
  );
  expect(await lab.agent().status()).toMatchObject({ resident: null, next_pass_by: null });
  stop.abort();
  await ended;
});

test('while the controller is away, the target stays known, with the time of the last check-in', async () => {
  const before = (await lab.agent().status()).exporters[0]?.target;
  const agent = lab.agent({ settings: { ...lab.settings, controller: AWAY } });
  for (let attempt = 0; attempt < 2; attempt += 1)
    await expect(agent.sync()).rejects.toMatchObject({ code: 'CONTROLLER_UNREACHABLE' });
  const after = await lab.agent().status();
  expect(after.exporters[0]?.target).toEqual(before);
  expect(after).toMatchObject({ healthy: false, exporters: [{ target: { state: 'published' } }] });
  expect(after.last_pass?.at).not.toBe(before?.at);
  const text = await textOf();
  expect(text).toContain(`published as 127.0.0.1:${lab.exporter.port}, at the last check-in, ${before?.at}`);
  expect(text).toMatch(/Problem .*does not answer/);
  expect(text.match(/Check the address, the port and the firewalls/g)).toHaveLength(1);
  expect(text).toMatch(/Next +Check the address, the port and the firewalls/);
});

test('what has expired is a problem, also when the last pass knew of none', async () => {
  const clock = new ManualClock(new Date(Date.now() + 30 * DAY_MS));
  const status = await lab.agent({ clock }).status();
  expect(status.healthy).toBe(false);
  expect(status.problems.map(({ what }) => what)).toEqual([
    expect.stringMatching(/This host's identity expired at 20/),
    expect.stringMatching(/The certificate of exporter "node" expired at 20/),
  ]);
  const text = statusLines(status, clock.now()).join('\n');
  expect(text).not.toContain('all well');
  expect(text).toMatch(/EXPIRED 2[0-9]d/);
  expect(text.match(/torchpass token create --replace web-1/g)).toHaveLength(1);
  expect(text).toMatch(/Next +Run "torchpass-agent sync": for some time.*"torchpass token create --replace web-1"/);
});

test('a machine whose clock is behind is told to look at its clock', async () => {
  const clock = new ManualClock(new Date(Date.now() - 30 * DAY_MS));
  const { problems } = await lab.agent({ clock }).status();
  expect(problems[0]).toMatchObject({
    what: expect.stringMatching(/identity is not valid before/) as string,
    hint: expect.stringMatching(/Check the clock of this machine/) as string,
  });
});

test('the controller has not published it yet: the way on is said once', async () => {
  lab.controller.book.answer = (desired) => ({ ...desired, state: TargetState.PENDING });
  await lab.agent().sync();
  const text = await textOf();
  expect(text).toMatch(
    /Problem +Exporter "node": the controller has not published it yet\.\nNext +"torchpass-agent sync"/,
  );
  expect(text).not.toContain('all well');
});
