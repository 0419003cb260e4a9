import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TorchpassError } from '@torchpass/core';
import { cachedFolder } from './cache.ts';
import { download } from './download.ts';
import { thisMachine, type Machine } from './machine.ts';
import { openFolder } from './open-folder.ts';
import { RELEASES, type Release } from './releases.ts';
import { run } from './run.ts';
import type { Binaries, SearchOptions } from './types.ts';

/**
 * Upstream's own release archives, unpacked into the cache once their SHA-256 is the pinned one.
 * DOWNLOAD_FAILED when they cannot be had or are not what was pinned.
 */
export async function upstreamBinaries(
  options: SearchOptions,
  machine: Machine = thisMachine(),
  releases: readonly Release[] = RELEASES,
): Promise<Binaries> {
  const { architecture } = machine;
  if (architecture === undefined)
    throw new TorchpassError('DOWNLOAD_FAILED', 'No release is pinned for this processor.');
  const versions = releases.map(({ version }) => version).join('-');
  return cachedFolder({
    cache: options.cache,
    name: `upstream-${versions}-${architecture}`,
    open: (folder) =>
      openFolder(join(folder, 'bin'), `upstream's release (${versions.replace('-', ', ')})`, options.signal),
    make: async (folder, scratch) => {
      const bin = join(folder, 'bin');
      await mkdir(bin);
      for (const { program, version, sha256 } of releases) {
        const name = `${program}-${version}.linux-${architecture}`;
        const archive = join(scratch, `${program}.tar.gz`);
        options.report(`Downloading ${program} ${version} from upstream into the cache (nothing is installed) …`);
        const url = `${machine.upstream}/${program}/releases/download/v${version}/${name}.tar.gz`;
        await download(url, archive, { sha256: sha256[architecture], signal: options.signal });
        const wanted = program === 'prometheus' ? ['prometheus', 'promtool'] : [program];
        const members = wanted.map((member) => `${name}/${member}`);
        const args = ['--extract', '--gzip', '--no-same-owner', '--strip-components=1', '--directory', bin, '--file'];
        await run('tar', [...args, archive, ...members], { signal: options.signal });
      }
    },
  });
}
