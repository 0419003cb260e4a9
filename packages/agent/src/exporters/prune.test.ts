import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFiles } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readPair } from '../identity/certificate-pair.ts';
import { layoutOf } from '../storage/layout.ts';
import { createInstallation, type Installation, TRUST_DOMAIN } from '../testing/installation.ts';
import { writeGeneration } from './generation.ts';
import { pruneGenerations } from './prune.ts';

const files = nodeFiles();
let folder = '';
let clock: ManualClock;
let installation: Installation;
const place = () => layoutOf(folder).exporter('node');
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torchpass-prune-'));
  clock = new ManualClock();
  installation = await createInstallation(clock);
});
afterEach(() => rm(folder, { recursive: true }));

async function generation(): Promise<string> {
  const id = { kind: 'exporter', trustDomain: TRUST_DOMAIN, host: 'web-1', name: 'node' } as const;
  const { certificate, key } = await installation.pair(id);
  const pair = readPair(certificate, key);
  if (pair === undefined) throw new Error('no pair');
  return (await writeGeneration(place(), pair, 'ca', undefined, files)).serial;
}

const left = async (inUse: string) => {
  await pruneGenerations(place(), inUse, { clock, files });
  return (await readdir(place().generations)).toSorted();
};

test('what was replaced stays for ten minutes, and the last two stay for ever', async () => {
  const first = await generation();
  clock.advance(3_600_000);
  const second = await generation();
  clock.advance(1000);
  const third = await generation();
  clock.advance(9 * 60_000);
  expect(await left(third)).toEqual([first, second, third].toSorted());
  clock.advance(2 * 60_000);
  expect(await left(third)).toEqual([second, third].toSorted());
  clock.advance(365 * 86_400_000);
  expect(await left(third)).toEqual([second, third].toSorted());
});

test('what is in use stays, however old', async () => {
  const first = await generation();
  const later: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    clock.advance(3_600_000);
    later.push(await generation());
  }
  clock.advance(3_600_000);
  expect(await left(first)).toEqual([first, ...later.slice(1)].toSorted());
});
