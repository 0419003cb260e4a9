import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isTorchpassError, systemCodeOf } from '../errors/error.ts';

const PREFIX = '.';
const SUFFIX = '.torchpass-new';

/** Where `path` is prepared, in `folder`: hidden, and no name that `isName` accepts. */
export function stagedPath(path: string, folder: string): string {
  return join(folder, `${PREFIX}${basename(path)}${SUFFIX}`);
}

/** Whether a file's name is a staging name, so that nobody reads what is not whole. */
export function isStagingName(name: string): boolean {
  return name.startsWith(PREFIX) && name.endsWith(SUFFIX);
}

/** When the system refuses, or what is to be written fails, what was staged (perhaps half a key) does not stay behind. A crash, of course, leaves it. */
export async function orDiscard(staged: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (systemCodeOf(error) !== undefined || isTorchpassError(error)) {
      await rm(staged, { recursive: true, force: true }).catch(() => undefined);
    }
    throw error;
  }
}
