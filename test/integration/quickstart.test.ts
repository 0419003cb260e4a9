import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../harness/eventually.ts';
import { freePort } from '../harness/ports.ts';
import { runToEnd, start } from '../harness/processes.ts';
import { createScope } from '../harness/scope.ts';
import { testScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';

// One data folder throughout: each test goes on from where the one before it was broken off.
const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(CHECKOUT, 'deploy/quickstart/src/main.ts');
const PATIENCE = { withinMs: 60_000 };
const CLEAN_END = { code: 0, signal: null };

const shared = createScope();
let folder: string;
let options: string[];

beforeAll(async () => {
  folder = await workspace(shared);
  options = ['--data-dir', folder];
  for (const role of ['controller', 'operations', 'prometheus']) options.push(`--${role}-port`, `${await freePort()}`);
  options.push('--exporter-port', `${await freePort('127.0.0.2')}`);
});
afterAll(() => shared.end());

/** The command lines of all programs that work on the data folder. */
async function programs(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(folder));
}

/** What is left once everything had the time to end. */
async function remains(): Promise<string[]> {
  const end = eventually(async () => expect(await programs()).toEqual([]), { withinMs: 10_000 });
  return end.then(() => [], programs);
}

it('goes on with an enrolment that Ctrl-C interrupted', async () => {
  const interrupted = start(testScope(), process.execPath, [MAIN, ...options]);
  await interrupted.waitFor(/demo-1 \| This host is "demo-1"/, PATIENCE);
  interrupted.kill('SIGINT');
  expect(await interrupted.exited).toEqual(CLEAN_END);
  expect(interrupted.stdout).toMatch(/Everything is stopped\n$/);
  expect(interrupted.stderr).toBe('');
  expect(await programs()).toEqual([]);

  const again = await runToEnd(testScope(), process.execPath, [MAIN, ...options, '--exit-after-ready']);
  expect(again.exit).toEqual(CLEAN_END);
  expect(again.stdout).toContain('Going on with the enrolment of demo-1');
  expect(again.stdout).toContain('up == 1');
  expect(await programs()).toEqual([]);
});

it('has the agent lock an enrolled exporter that is not locked yet', async () => {
  await rm(join(folder, 'hosts/demo-1/agent/exporters'), { recursive: true });
  const run = await runToEnd(testScope(), process.execPath, [MAIN, ...options, '--exit-after-ready']);
  expect(run.exit).toEqual(CLEAN_END);
  expect(run.stdout).toContain('demo-1 is enrolled already');
  expect(run.stdout).toContain('up == 1');
});

it('leaves nothing when nobody reads its output any more', async () => {
  const pipe = `set -o pipefail; "$0" "$@" | sed '/controller is ready/q'`;
  const run = await runToEnd(testScope(), 'bash', ['-c', pipe, process.execPath, MAIN, ...options]);
  expect(run.exit).toEqual(CLEAN_END);
  expect(run.stderr).toBe('');
  expect(await remains()).toEqual([]);
});

it('leaves nothing when it is killed', async () => {
  const run = start(testScope(), process.execPath, [MAIN, ...options]);
  await run.waitFor(/Prometheus is ready/, PATIENCE);
  run.kill('SIGKILL');
  await run.exited;
  expect(await remains()).toEqual([]);
});

it('leaves nothing when npm is asked to end', async () => {
  const npm = start(testScope(), 'npm', ['start', '--', ...options], { cwd: CHECKOUT });
  await npm.waitFor(/Prometheus is ready/, PATIENCE);
  npm.kill('SIGTERM');
  await npm.exited;
  expect(await remains()).toEqual([]);
});
