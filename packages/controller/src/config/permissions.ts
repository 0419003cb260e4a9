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
const OTHERS_READ_OR_WRITE = 0o066;

/** A file with secrets: nothing for group and others. */
export function looseFile(path: string, found: Stats): Loose[] {
  return [...loose(path, found, OTHERS, 'can be read or changed by others', '600'), ...foreign(path, found)];
}

/** A folder with secrets: who may go through it may neither list nor change it. */
export function looseFolder(path: string, found: Stats): Loose[] {
  const what = 'can be listed or changed by others';
  return [...loose(path, found, OTHERS_READ_OR_WRITE, what, '711'), ...foreign(path, found)];
}

/**
 * What others may read and only root and we may change. A group may write when it is root's or our own: many systems give each
 * user a group.
 */
export function changeableByOthers(path: string, found: Stats): Loose[] {
  const ours = found.gid === 0 || found.gid === process.getegid?.();
  const mask = ours ? 0o002 : 0o022;
  return [...loose(path, found, mask, 'can be changed by others', 'go-w'), ...foreign(path, found)];
}

/** What Prometheus's group reads: nothing for others, and no writing for the group. */
export function looseForReader(path: string, found: Stats): Loose[] {
  const remedy = found.isDirectory() ? '750' : '640';
  return [
    ...loose(path, found, 0o027, 'can be read by everybody or changed by others', remedy),
    ...foreign(path, found),
  ];
}

/** `PERMISSIONS_LOOSE` with the first, and how many there are beside it. */
export function refuseLoose([first, ...more]: readonly Loose[]): void {
  if (first === undefined) return;
  const others = more.length === 0 ? '' : ` (${more.length} more: see torchpass-controller check)`;
  throw new TorchpassError('PERMISSIONS_LOOSE', first.problem, { hint: `Run: ${first.remedy}${others}` });
}

function loose(path: string, { mode }: Stats, forbidden: number, what: string, remedy: string): Loose[] {
  if ((mode & forbidden) === 0) return [];
  const problem = `${path} ${what} (mode ${(mode & 0o7777).toString(8).padStart(4, '0')}).`;
  return [{ path, problem, remedy: `chmod ${remedy} ${path}` }];
}

/** Its owner can change mode and content at any time. */
export function foreign(path: string, { uid }: Stats): Loose[] {
  const own = process.geteuid?.() ?? uid;
  if (uid === own || uid === 0) return [];
  const problem = `${path} belongs to another user (${uid}), who can change it.`;
  return [{ path, problem, remedy: `chown ${own} ${path}` }];
}
