import { createLogger, nodeFiles, systemRandom, type Files, type Owner, type Random } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { existsSync, mkdtempSync } from 'node:fs';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { initialize } from '../commands/init.ts';
import type { Base } from '../commands/surroundings.ts';
import { loadConfig } from '../config/load.ts';
import { passphraseSource } from '../config/passphrase.ts';
import type { Seams } from '../surroundings.ts';
import type { Resolve } from '../targets/address-policy.ts';

export const LAB_START = new Date('2026-01-01T12:00:00Z');

export interface LabOptions {
  clock?: ManualClock;
  random?: Random;
  files?: Files;
  /** Addresses of names; no name has any unless given. */
  resolve?: Resolve;
  seams?: Seams;
  prometheusOwner?: Owner;
  /** Keys of the configuration file, over the lab's own. */
  config?: Record<string, unknown>;
  /** Where another lab worked before. */
  folder?: string;
}

export interface LabSurroundings extends Base {
  clock: ManualClock;
  folder: string;
  /** Every line of the log, as JSON. */
  logged: string[];
}

/** Everything that the controller takes from outside: a folder of its own, a clock that stands, no network. */
export async function labSurroundings(options: LabOptions = {}): Promise<LabSurroundings> {
  const { folder = temporaryFolder(), clock = new ManualClock(LAB_START) } = options;
  const file = join(folder, 'controller.yml');
  await mkdir(folder, { recursive: true });
  const own = {
    storage_path: join(folder, 'storage'),
    listen_address: '127.0.0.1:0',
    advertise_address: '127.0.0.1:7443',
    admin: { listen_address: '127.0.0.1:0' },
    targets: { publish_interval: '0s' },
  };
  await writeFile(file, stringify({ ...own, ...options.config }));
  const logged: string[] = [];
  return {
    folder,
    clock,
    logged,
    config: await loadConfig(file, {}),
    prometheusOwner: options.prometheusOwner,
    socketGroup: undefined,
    random: options.random ?? systemRandom,
    files: options.files ?? nodeFiles(),
    logger: createLogger({ level: 'debug', format: 'json', write: (line) => void logged.push(line) }),
    resolve: options.resolve ?? (() => Promise.resolve([])),
    ...(options.seams === undefined ? {} : { seams: options.seams }),
  };
}

/** In memory where there is such a folder: nobody pulls the plug on a test, and a real fsync takes its time. */
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const NAME = /^torchpass-lab-(\d+)-/;

/** Gone when the test that calls this has finished. */
export function temporaryFolder(): string {
  const folder = newFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

function newFolder(): string {
  return mkdtempSync(join(PLACE, `torchpass-lab-${process.pid}-`));
}

/** The operator's way: the configured file, nothing from the environment. */
export const labPassphrase = ({ config }: Pick<Base, 'config'>) => passphraseSource(config, {});

const templates = new Map<number, Promise<string>>();

/** Puts an initialized storage into the lab's folder. Made once for each moment, then copied. */
export async function installStorage({ folder, clock }: LabSurroundings): Promise<void> {
  const start = clock.now();
  const template = templates.get(start.getTime()) ?? makeTemplate(start);
  templates.set(start.getTime(), template);
  await cp(join(await template, 'storage'), join(folder, 'storage'), { recursive: true });
}

/** Serves all tests of this process. The runner may kill that without a word, so the next process clears up after it. */
async function makeTemplate(start: Date): Promise<string> {
  await sweepTemplates();
  const base = await labSurroundings({ clock: new ManualClock(start), folder: newFolder() });
  await initialize(base, labPassphrase(base));
  return base.folder;
}

async function sweepTemplates(): Promise<void> {
  for (const name of await readdir(PLACE)) {
    const owner = NAME.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    await rm(join(PLACE, name), { recursive: true, force: true });
  }
}
