import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isTorchpassError, TorchpassError } from '@torchpass/core';
import { isolatedApt } from './apt.ts';
import { isDebianSuite, type Archive } from './archives.ts';
import { cachedFolder } from './cache.ts';
import { fromArchives } from './from-archives.ts';
import { thisMachine, type Machine } from './machine.ts';
import { openFolder } from './open-folder.ts';
import { run } from './run.ts';
import type { Binaries, SearchOptions } from './types.ts';

/** A package of its own from trixie on; before, the package prometheus brings it. */
const WITH_PROMTOOL_INSIDE = new Set(['bullseye', 'bookworm']);

/**
 * Prometheus and node_exporter as `suite` packages them, downloaded with apt from the mirror that the machine
 * uses and unpacked into the cache; nothing is installed. Without network when the cache has them.
 * DOWNLOAD_FAILED with the reason when they cannot be had.
 */
export async function packagedBinaries(
  suite: string,
  options: SearchOptions,
  machine: Machine = thisMachine(),
): Promise<Binaries> {
  const { architecture } = machine;
  if (architecture === undefined)
    throw new TorchpassError('DOWNLOAD_FAILED', 'No packages are made for this processor.');
  const name = isDebianSuite(suite) ? `Debian ${suite}` : `the distribution's ${suite}`;
  return cachedFolder({
    cache: options.cache,
    name: `packages-${suite}-${architecture}`,
    open: async (folder) => {
      const version = (await readFile(join(folder, 'VERSION'), 'utf8').catch(() => '')).trim();
      return openFolder(join(folder, 'bin'), `${name} (${version})`, options.signal);
    },
    make: async (folder, scratch) => {
      const search = { suite, aptFolder: machine.aptFolder, scratch, wanted: name };
      await fromArchives(search, (archive, place) =>
        unpack(suite, archive, folder, place, { ...options, architecture }),
      );
    },
  });
}

async function unpack(
  suite: string,
  archive: Archive,
  folder: string,
  scratch: string,
  { report, signal, architecture }: SearchOptions & { architecture: 'amd64' | 'arm64' },
): Promise<void> {
  const cancel = signal === undefined ? {} : { signal };
  const apt = await isolatedApt(scratch, { archive, suite, architecture, ...cancel });
  report(`Reading the package list of ${suite} …`);
  await apt.update();
  const packages = ['prometheus', 'prometheus-node-exporter', ...(WITH_PROMTOOL_INSIDE.has(suite) ? [] : ['promtool'])];
  report(`Downloading ${packages.join(', ')} of ${suite} into the cache (nothing is installed) …`);
  const debs = await apt.download(packages).catch((error: unknown) => {
    // Some distributions leave promtool inside; without it, the rest is still worth having.
    if (!isTorchpassError(error) || !packages.includes('promtool')) throw error;
    return apt.download(packages.filter((name) => name !== 'promtool'));
  });
  const root = join(scratch, 'root');
  for (const deb of debs) await run('dpkg-deb', ['-x', deb, root], cancel);
  await mkdir(join(folder, 'bin'));
  for (const name of ['prometheus', 'prometheus-node-exporter', 'promtool']) {
    await rename(join(root, 'usr', 'bin', name), join(folder, 'bin', name)).catch((error: unknown) => {
      if (name !== 'promtool') throw error;
    });
  }
  const main = debs.find((deb) => basename(deb).startsWith('prometheus_')) ?? '';
  await writeFile(join(folder, 'VERSION'), await run('dpkg-deb', ['-f', main, 'Version'], cancel));
}
