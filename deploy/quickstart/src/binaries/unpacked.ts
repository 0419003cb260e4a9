import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TorchpassError } from '@torchpass/core';
import { isolatedApt } from './apt.ts';
import { cachedFolder } from './cache.ts';
import { fromArchives } from './from-archives.ts';
import { thisMachine, type Machine } from './machine.ts';
import { run } from './run.ts';
import type { SearchOptions, Suite } from './types.ts';

export interface Unpacked {
  /** Absolute path of a folder with the packages' files in it, as they would be under `/`. */
  root: string;
  /** Of the first package. */
  version: string;
}

/**
 * Packages of one of Debian's suites, downloaded with apt from the mirror that the machine uses and unpacked into the cache;
 * nothing is installed, and what they depend on does not come along. DOWNLOAD_FAILED when they cannot be had.
 */
export async function unpackedPackages(
  suite: Suite,
  packages: readonly [string, ...string[]],
  { cache, report, signal }: SearchOptions,
  machine: Machine = thisMachine(),
): Promise<Unpacked> {
  const { architecture, aptFolder } = machine;
  if (architecture === undefined)
    throw new TorchpassError('DOWNLOAD_FAILED', 'No packages are made for this processor.');
  const [main] = packages;
  const cancel = signal === undefined ? {} : { signal };
  return cachedFolder({
    cache,
    name: `${main}-${suite}-${architecture}`,
    async open(folder) {
      const version = (await readFile(join(folder, 'VERSION'), 'utf8').catch(() => '')).trim();
      return version === '' ? undefined : { root: join(folder, 'root'), version };
    },
    make: (folder, scratch) =>
      fromArchives({ suite, aptFolder, scratch, wanted: `Debian ${suite}` }, async (archive, place) => {
        const apt = await isolatedApt(place, { archive, suite, architecture, ...cancel });
        report(`Downloading ${packages.join(', ')} of ${suite} into the cache (nothing is installed) …`);
        await apt.update();
        const debs = await apt.download(packages);
        const root = join(place, 'root');
        for (const deb of debs) await run('dpkg-deb', ['-x', deb, root], cancel);
        await rename(root, join(folder, 'root'));
        const file = debs.find((deb) => basename(deb).startsWith(`${main}_`)) ?? '';
        await writeFile(join(folder, 'VERSION'), await run('dpkg-deb', ['-f', file, 'Version'], cancel));
      }),
  });
}
