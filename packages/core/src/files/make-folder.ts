import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCodeOf } from '../errors/error.ts';
import type { Permissions } from './files.ts';
import { isStagingName, orDiscard, stagedPath } from './staging.ts';
import type { FileSteps } from './steps.ts';

/** Enough for as many processes to make the same folder at the same time: each may spoil one attempt of each other. */
const ATTEMPTS = 10;

/** What mkdir, open and rename say when another process was faster. */
const OVERTAKEN = new Set(['EEXIST', 'ENOTEMPTY', 'ENOENT']);

let made = 0;

/**
 * Makes `path` and its parents. Each is prepared under a staging name: after a crash there is either no folder or one with
 * its permissions, never a half-made one, which the next run would leave alone. The staging names differ, since programs
 * that share a parent may make it at the same time.
 */
export async function makeFolders(path: string, permissions: Permissions, steps: FileSteps): Promise<void> {
  if (await exists(path)) return;
  const parent = dirname(path);
  await makeFolders(parent, permissions, steps);
  await removeLeftovers(path, steps);
  for (let attempt = 1; !(await exists(path)); attempt += 1) {
    const staged = stagedPath(`${path}.${process.pid}-${(made += 1)}`, parent);
    try {
      await orDiscard(staged, async () => {
        await steps.makeFolder(staged, permissions);
        await steps.replace(staged, path);
      });
    } catch (error) {
      if (attempt === ATTEMPTS || !OVERTAKEN.has(systemCodeOf(error) ?? '')) throw error;
    }
  }
  await steps.syncFolder(parent);
}

/** What crashes have left. Once, before the first attempt: it may be another process's that is at work. */
async function removeLeftovers(path: string, steps: FileSteps): Promise<void> {
  const mine = /^\.\d+-\d+\.torchpass-new$/;
  const prefix = `.${basename(path)}`;
  for (const name of await readdir(dirname(path))) {
    const leftover = isStagingName(name) && name.startsWith(prefix) && mine.test(name.slice(prefix.length));
    if (leftover) await steps.remove(join(dirname(path), name));
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
