import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { reasonOf, systemCodeOf, TorchpassError } from '@torchpass/core';

export interface CachedFolder<T> {
  /** An absolute folder, made when it is not there. */
  cache: string;
  name: string;
  /** What a whole folder holds; undefined when it is not there or not whole. */
  open: (folder: string) => Promise<T | undefined>;
  /** Fills `folder`, which is empty. `scratch` is another empty folder, removed afterwards. */
  make: (folder: string, scratch: string) => Promise<void>;
}

const STAGING = /^\.staging-(\d+)-/;

/**
 * Opens a folder of the cache, making it when it is not there or damaged. It appears whole or not at all: two
 * processes may both make it (the second result is dropped), and what a killed one left behind is removed by the next.
 * DOWNLOAD_FAILED when what was made does not open, FILE_UNWRITABLE when the cache cannot be written.
 */
export async function cachedFolder<T>({ cache, name, open, make }: CachedFolder<T>): Promise<T> {
  const place = join(cache, name);
  const found = await open(place);
  if (found !== undefined) return found;
  const staging = await stage(cache);
  try {
    const [fresh, scratch, broken] = ['fresh', 'scratch', 'broken'].map((part) => join(staging, part)) as [
      string,
      string,
      string,
    ];
    await mkdir(fresh);
    await mkdir(scratch);
    await make(fresh, scratch);
    if ((await open(fresh)) === undefined) {
      throw new TorchpassError('DOWNLOAD_FAILED', `What was downloaded for ${name} does not run on this machine.`);
    }
    const meanwhile = await open(place);
    if (meanwhile !== undefined) return meanwhile;
    await rename(place, broken).catch(ignoring('ENOENT'));
    await rename(fresh, place).catch(ignoring('ENOTEMPTY', 'EEXIST')); // another process was first
    const opened = await open(place);
    if (opened !== undefined) return opened;
    throw new TorchpassError('DOWNLOAD_FAILED', `${place} is damaged and could not be replaced.`, {
      hint: 'Remove that folder and try again.',
    });
  } catch (error) {
    throw systemCodeOf(error) === undefined || error instanceof TorchpassError ? error : unwritable(cache, error);
  } finally {
    await rm(staging, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function stage(cache: string): Promise<string> {
  try {
    await mkdir(cache, { recursive: true });
    for (const entry of await readdir(cache)) {
      const owner = STAGING.exec(entry)?.[1];
      if (owner !== undefined && !isAlive(Number(owner)))
        await rm(join(cache, entry), { recursive: true, force: true });
    }
    return await mkdtemp(join(cache, `.staging-${process.pid}-`));
  } catch (error) {
    throw unwritable(cache, error);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) !== 'ESRCH';
  }
}

function ignoring(...codes: string[]) {
  return (error: unknown) => {
    if (!codes.includes(systemCodeOf(error) ?? '')) throw error;
  };
}

function unwritable(cache: string, error: unknown): TorchpassError {
  return new TorchpassError('FILE_UNWRITABLE', `Cannot write the cache ${cache}: ${reasonOf(error)}.`, {
    cause: error,
    hint: 'Make room there, or run as a user who may write there.',
  });
}
