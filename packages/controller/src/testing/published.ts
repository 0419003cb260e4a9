import { readTargets } from '@torchpass/prometheus';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from './lab.ts';

/** Every target in Prometheus's files, as `job address`. */
export async function published(lab: Lab): Promise<string[]> {
  const { targets } = lab.paths;
  const files = (await readdir(targets)).toSorted();
  const lists = await Promise.all(
    files.map(async (file) =>
      readTargets(await readFile(join(targets, file), 'utf8')).map((t) => `${file} ${t.address}`),
    ),
  );
  return lists.flat();
}
