import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFiles, systemRandom } from '@torchpass/core';
import { crashBefore, SimulatedCrash } from '@torchpass/core/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LockSeams, withLock } from './lock.ts';
import { linuxProcesses } from './processes.ts';

let folder = '';
const path = () => join(folder, 'lock');
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torchpass-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A system with these processes, and when each was started. */
function system(self: number, starts: Record<number, string>): LockSeams {
  const startOf = (pid: number) => Promise.resolve(starts[pid]);
  return { files: nodeFiles(), random: systemRandom, processes: { self, startOf } };
}

test('while one works the other is told who is in the way; afterwards nothing is left', async () => {
  const starts = { 1: '10', 2: '20' };
  await withLock(path(), system(1, starts), async () => {
    const second = withLock(path(), system(2, starts), () => Promise.resolve('in'));
    await expect(second).rejects.toMatchObject({
      code: 'AGENT_BUSY',
      message: expect.stringContaining('process 1') as string,
    });
  });
  await expect(withLock(path(), system(2, starts), () => Promise.resolve('in'))).resolves.toBe('in');
  expect(await readdir(folder)).toEqual([]);
});

test.each([['no lock'], ['the lock of a dead process']])(
  'of many that start at once on %s, one works at a time',
  async (before) => {
    const pids = Array.from({ length: 20 }, (_, index) => index + 1);
    const starts = Object.fromEntries(pids.map((pid) => [pid, String(pid)]));
    if (before !== 'no lock') await writeFile(path(), '{"pid":99,"start":"99","id":"gone"}');
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await readdir(folder);
      inside -= 1;
    };
    const ends = await Promise.allSettled(pids.map((pid) => withLock(path(), system(pid, starts), work)));
    expect(ends.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(most).toBe(1);
    await withLock(path(), system(1, starts), () => Promise.resolve());
    expect(await readdir(folder)).toEqual([]);
  },
);

test.each([
  ['a process that is gone', {}],
  ['a process whose number belongs to another now', { 1: '999' }],
])('%s holds nothing', async (_, others) => {
  await writeFile(path(), '{"pid":1,"start":"10","id":"gone"}');
  await expect(withLock(path(), system(2, { 2: '20', ...others }), () => Promise.resolve('in'))).resolves.toBe('in');
});

test('a damaged lock file holds nothing', async () => {
  await writeFile(path(), 'x');
  await expect(withLock(path(), system(2, { 2: '20' }), () => Promise.resolve('in'))).resolves.toBe('in');
});

test('a process that dies at any step does not lock the next one out, and leaves no litter', async () => {
  for (let n = 1; ; n += 1) {
    const point = crashBefore(n);
    const dying = { ...system(1, { 1: '10' }), files: nodeFiles(point.step) };
    await withLock(path(), dying, () => Promise.resolve()).catch((error: unknown) => {
      if (!(error instanceof SimulatedCrash)) throw error;
    });
    await expect(withLock(path(), system(2, { 2: '20' }), () => Promise.resolve('in'))).resolves.toBe('in');
    expect((await readdir(folder)).filter((name) => !name.endsWith('.torchpass-new'))).toEqual([]);
    if (!point.crashed) break;
  }
});

test('Linux: our own start time is known and stays; a number that nobody has gives nothing', async () => {
  const start = await linuxProcesses.startOf(process.pid);
  expect(start).toMatch(/^\d+$/);
  expect(await linuxProcesses.startOf(process.pid)).toBe(start);
  expect(await linuxProcesses.startOf(2 ** 30)).toBeUndefined();
});
