import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isTorchpassError, reasonOf, TorchpassError } from '@torchpass/core';
import { readAptSources } from './apt-sources.ts';
import { archivesOf, type Archive } from './archives.ts';

/**
 * Lets `attempt` try each archive that the machine's apt knows for `suite`, best first, until one does; each attempt gets an
 * empty folder of its own inside `scratch`. DOWNLOAD_FAILED, which says what `wanted` is, when none does.
 */
export async function fromArchives(
  { suite, aptFolder, scratch, wanted }: { suite: string; aptFolder: string; scratch: string; wanted: string },
  attempt: (archive: Archive, place: string) => Promise<void>,
): Promise<void> {
  const archives = archivesOf(suite, await readAptSources(aptFolder));
  const failures: unknown[] = [];
  for (const [index, archive] of archives.entries()) {
    try {
      const place = join(scratch, String(index));
      await mkdir(place);
      return await attempt(archive, place);
    } catch (error) {
      if (!isTorchpassError(error, 'DOWNLOAD_FAILED')) throw error;
      failures.push(error);
    }
  }
  const reason = failures.length === 0 ? `apt's sources in ${aptFolder} name no archive of it` : reasonOf(failures[0]);
  throw new TorchpassError('DOWNLOAD_FAILED', `The packages of ${wanted} cannot be had: ${reason}.`, {
    cause: failures[0],
  });
}
