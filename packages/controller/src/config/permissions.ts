import { TorchpassError } from '@torchpass/core';
import type { Stats } from 'node:fs';

/** A path that others than its user can get at, and what to do about it. */
export interface Loose {
  path: string;
  /** A sentence: path, mode or owner. */
  problem: string;
  /** A command. */
  remedy: string;
}

const OTHERS = 0o077;

/** A file with secrets: nothing for group and others. */
export function looseFile(path: string, found: Stats): Loose[] {
  return [...loose(path, found, OTHERS, 'can be read or changed by others', '600'), ...foreign(path, found)];
}

/** `PERMISSIONS_LOOSE` with the first. */
export function refuseLoose([first]: readonly Loose[]): void {
  if (first === undefined) return;
  throw new TorchpassError('PERMISSIONS_LOOSE', first.problem, { hint: `Run: ${first.remedy}` });
}

function loose(path: string, { mode }: Stats, forbidden: number, what: string, remedy: string): Loose[] {
  if ((mode & forbidden) === 0) return [];
  const problem = `${path} ${what} (mode ${(mode & 0o7777).toString(8).padStart(4, '0')}).`;
  return [{ path, problem, remedy: `chmod ${remedy} ${path}` }];
}

/** Its owner can change mode and content at any time. */
function foreign(path: string, { uid }: Stats): Loose[] {
  const own = process.geteuid?.() ?? uid;
  if (uid === own || uid === 0) return [];
  const problem = `${path} belongs to another user (${uid}), who can change it.`;
  return [{ path, problem, remedy: `chown ${own} ${path}` }];
}
