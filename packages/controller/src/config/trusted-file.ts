import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { changeableByOthers, foreign, type Loose } from './permissions.ts';

const STICKY = 0o1000;

/**
 * Who but root and we could change a file that decides what the program does, or put another in its place: the file behind all
 * links, its folder, and the folder of the link. Reading it is free to all. Fails when it is not there.
 */
export async function findChangeable(path: string): Promise<Loose[]> {
  const real = await realpath(path);
  const found = changeableByOthers(real, await stat(real));
  for (const folder of new Set([dirname(resolve(path)), dirname(real)])) found.push(...(await looseFolderOf(folder)));
  return found;
}

/** In a folder like /tmp others make files of their own and cannot touch ours. */
export async function looseFolderOf(folder: string): Promise<Loose[]> {
  const found = await stat(folder);
  return (found.mode & STICKY) === 0 ? changeableByOthers(folder, found) : foreign(folder, found);
}
