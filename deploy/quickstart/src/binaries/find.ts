import { readFile } from 'node:fs/promises';
import { isTorchpassError, reasonOf, TorchpassError } from '@torchpass/core';
import { packagedBinaries } from './debian.ts';
import { thisMachine, type Machine } from './machine.ts';
import { binariesOnPath } from './path-search.ts';
import type { Binaries, SearchOptions, Suite } from './types.ts';
import { upstreamBinaries } from './upstream.ts';

/**
 * A real Prometheus and a real node_exporter: those on the PATH, else the packages of the machine's own
 * release, else upstream's release. DOWNLOAD_FAILED with each reason when none can be had.
 */
export async function findBinaries(options: SearchOptions, machine: Machine = thisMachine()): Promise<Binaries> {
  const onPath = await binariesOnPath(machine.path, options.signal);
  if (onPath !== undefined) return onPath;
  const failures: string[] = [];
  for (const attempt of [ofOwnRelease, upstreamBinaries]) {
    try {
      return await attempt(options, machine);
    } catch (error) {
      if (!isTorchpassError(error, 'DOWNLOAD_FAILED')) throw error;
      failures.push(reasonOf(error));
    }
  }
  throw new TorchpassError(
    'DOWNLOAD_FAILED',
    `Prometheus and node_exporter are not on the PATH and cannot be downloaded. ${failures.join(' ')}`,
    {
      hint: 'Install them (on Debian and Ubuntu: apt-get install prometheus prometheus-node-exporter), or connect to the network, and run the command again.',
    },
  );
}

/** The packages of one of Debian's suites, whatever the machine itself runs. DOWNLOAD_FAILED when they cannot be had. */
export function debianBinaries(
  suite: Suite,
  options: SearchOptions,
  machine: Machine = thisMachine(),
): Promise<Binaries> {
  return packagedBinaries(suite, options, machine);
}

async function ofOwnRelease(options: SearchOptions, machine: Machine): Promise<Binaries> {
  const release = await readFile(machine.osRelease, 'utf8').catch(() => '');
  const codename = /^VERSION_CODENAME=["']?([a-z0-9-]+)/m.exec(release)?.[1];
  if (codename === undefined) {
    throw new TorchpassError('DOWNLOAD_FAILED', `${machine.osRelease} names no release that packages are made for.`);
  }
  return packagedBinaries(codename, options, machine);
}
