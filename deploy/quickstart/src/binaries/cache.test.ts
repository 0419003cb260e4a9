import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cachedFolder } from './cache.ts';
import { scratchFolder } from './testing/scratch.ts';

const open = async (folder: string) =>
  existsSync(join(folder, 'whole')) ? readFileSync(join(folder, 'whole'), 'utf8') : undefined;
const making = (content: string) => async (folder: string) => writeFileSync(join(folder, 'whole'), content);
const never = () => Promise.reject(new Error('made again'));

it('makes a folder once and opens it afterwards', async () => {
  const cache = join(scratchFolder(), 'new', 'cache');
  expect(await cachedFolder({ cache, name: 'a', open, make: making('1') })).toBe('1');
  expect(await cachedFolder({ cache, name: 'a', open, make: never })).toBe('1');
  expect(readdirSync(cache)).toEqual(['a']);
});

it('leaves nothing of an attempt that fails half-way', async () => {
  const cache = scratchFolder();
  const make = async (folder: string) => {
    writeFileSync(join(folder, 'part'), '');
    throw new Error('the line was cut');
  };
  await expect(cachedFolder({ cache, name: 'a', open, make })).rejects.toThrow('the line was cut');
  expect(readdirSync(cache)).toEqual([]);
});

it('replaces a damaged folder', async () => {
  const cache = scratchFolder();
  mkdirSync(join(cache, 'a'));
  writeFileSync(join(cache, 'a', 'half'), '');
  expect(await cachedFolder({ cache, name: 'a', open, make: making('2') })).toBe('2');
  expect(readdirSync(join(cache, 'a'))).toEqual(['whole']);
});

it('gives the same result to several that make it at once', async () => {
  const cache = scratchFolder();
  const results = await Promise.all(
    ['1', '2', '3'].map((content) => cachedFolder({ cache, name: 'a', open, make: making(content) })),
  );
  expect(readdirSync(cache)).toEqual(['a']);
  expect(new Set(results)).toEqual(new Set([await open(join(cache, 'a'))]));
});

it('removes what a killed process left and keeps what a running one is making', async () => {
  const cache = scratchFolder();
  const dead = spawnSync('true').pid;
  mkdirSync(join(cache, `.staging-${dead}-abc`));
  mkdirSync(join(cache, `.staging-${process.pid}-abc`));
  await cachedFolder({ cache, name: 'a', open, make: making('1') });
  expect(readdirSync(cache)).toEqual([`.staging-${process.pid}-abc`, 'a']);
});

it('refuses what does not open after it was made', async () => {
  const cache = scratchFolder();
  await expect(cachedFolder({ cache, name: 'a', open, make: async () => undefined })).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
    message: 'What was downloaded for a does not run on this machine.',
  });
  expect(readdirSync(cache)).toEqual([]);
});

it('says so when the cache cannot be made', async () => {
  const file = join(scratchFolder(), 'file');
  writeFileSync(file, '');
  await expect(cachedFolder({ cache: join(file, 'cache'), name: 'a', open, make: never })).rejects.toMatchObject({
    code: 'FILE_UNWRITABLE',
  });
});
