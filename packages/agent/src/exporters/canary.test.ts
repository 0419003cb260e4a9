import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFiles, silentLogger, systemClock } from '@torchpass/core';
import { certificatesToPem } from '@torchpass/pki';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ExporterSettings } from '../config/settings.ts';
import { readPair } from '../identity/certificate-pair.ts';
import { layoutOf } from '../storage/layout.ts';
import { createInstallation, TRUST_DOMAIN } from '../testing/installation.ts';
import { createCanary } from './canary.ts';
import { capabilitiesOf } from './capabilities.ts';
import { type Generation, writeGeneration } from './generation.ts';

const files = nodeFiles();
let folder = '';
let generation: Generation;
const place = () => layoutOf(folder).exporter('node');
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torchpass-canary-'));
  const installation = await createInstallation(systemClock);
  const id = { kind: 'exporter', trustDomain: TRUST_DOMAIN, host: 'web-1', name: 'node' } as const;
  const { certificate, key } = await installation.pair(id);
  const pair = readPair(certificate, key);
  if (pair === undefined) throw new Error('no pair');
  const clientCa = certificatesToPem([installation.authority('scraper')]);
  generation = await writeGeneration(place(), pair, clientCa, undefined, files);
});
afterEach(() => rm(folder, { recursive: true }));

/** A program that starts only with this flag, and may refuse client_allowed_sans; it counts its starts. */
async function program(flag: string, allowedSans: boolean, listens = true): Promise<ExporterSettings> {
  const script = join(folder, 'exporter.mjs');
  await writeFile(
    script,
    `import { appendFileSync, readFileSync } from 'node:fs';
     import { createServer } from 'node:net';
     appendFileSync(${JSON.stringify(join(folder, 'starts'))}, '.');
     const options = Object.fromEntries(process.argv.slice(3).map((arg) => arg.split('=')));
     const path = options[${JSON.stringify(flag)}];
     if (process.argv[2] !== 'first' || path === undefined) process.exit(1);
     if (!${allowedSans} && readFileSync(path, 'utf8').includes('client_allowed_sans')) process.exit(1);
     const [host, port] = options['--web.listen-address'].split(':');
     if (${listens}) createServer().listen(Number(port), host);
     else setInterval(() => {}, 1000);`,
  );
  return {
    name: 'node',
    port: 9100,
    probeAddress: { host: '127.0.0.1', port: 9100 },
    advertise: '',
    job: '',
    metricsPath: '',
    webConfig: join(folder, 'web.yml'),
    owner: undefined,
    restart: undefined,
    patienceMs: 1000,
    binary: process.execPath,
    binaryArgs: [script, 'first'],
  };
}

const canary = createCanary({ clock: systemClock, files, logger: silentLogger });
const learn = (exporter: ExporterSettings) => capabilitiesOf(exporter, place(), generation, canary, files);
const starts = async () => (await files.read(join(folder, 'starts')))?.length ?? 0;

describe('finds out what a program understands', () => {
  test.each([
    ['--web.config.file', true],
    ['--web.config.file', false],
    ['--web.config', false],
  ])('%s, client_allowed_sans %s; and asks only once', async (flag, allowedSans) => {
    const exporter = await program(flag, allowedSans);
    expect(await learn(exporter)).toEqual({ flag, allowedSans });
    const count = await starts();
    expect(await learn(exporter)).toEqual({ flag, allowedSans });
    expect(await starts()).toBe(count);
    expect(await readdir(place().folder)).toEqual(['capabilities.json', 'generations']);
  });

  test('and asks again when other arguments are configured', async () => {
    const exporter = await program('--web.config.file', true);
    await learn(exporter);
    const other = { ...exporter, binaryArgs: [...exporter.binaryArgs, '--more=1'] };
    const count = await starts();
    await learn(other);
    expect(await starts()).toBe(count + 1);
  });
});

test('a program that never listens is ended after a few seconds, and the least is assumed', async () => {
  const exporter = await program('--web.config.file', true, false);
  expect(await learn(exporter)).toEqual({ flag: undefined, allowedSans: false });
  expect(await readdir(place().folder)).toEqual(['generations']);
});

test('no program: the least is assumed. A program that is not there: it is said', async () => {
  const exporter = { ...(await program('--web.config', false)), binary: undefined };
  expect(await learn(exporter)).toEqual({ flag: undefined, allowedSans: false });
  await expect(learn({ ...exporter, binary: '/nowhere/exporter' })).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
    message: expect.stringContaining('/nowhere/exporter') as string,
  });
});

test('a program that was replaced is asked again', async () => {
  const exporter = await program('--web.config.file', true);
  const own = join(folder, 'own');
  await writeFile(own, `#!${process.execPath}\nawait import(${JSON.stringify(exporter.binaryArgs[0])});`, {
    mode: 0o755,
  });
  const replaced = { ...exporter, binary: own, binaryArgs: ['first'] };
  await learn(replaced);
  const count = await starts();
  await utimes(own, 1, 1);
  await learn(replaced);
  expect(await starts()).toBeGreaterThan(count);
});
