import { systemCodeOf } from '@torchpass/core';
import type { Stats } from 'node:fs';
import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../config/load.ts';
import { changeableByOthers, looseFile, looseFolder, looseForReader, type Loose } from '../config/permissions.ts';
import { looseFolderOf } from '../config/trusted-file.ts';
import { prometheusPaths } from '../scrapers/prometheus-folder.ts';

type Judge = (path: string, found: Stats) => Loose[];

/** What keeps a secret or decides something, and is open to others. What is not there is not loose. */
export async function findLoose(config: Config): Promise<Loose[]> {
  const found: Loose[] = await behindLink(config.storage_path);
  for (const [path, judge] of guardedPaths(config)) {
    const stats = await lstat(path).catch((error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(error) ?? '')) return undefined;
      throw error;
    });
    // What a symbolic link may point to is up to who may change the folder, which is judged too.
    if (stats !== undefined && !stats.isSymbolicLink()) found.push(...judge(path, stats));
  }
  return found;
}

/** A storage that is a link: the folder that it leads to, and whoever could let it lead elsewhere. */
async function behindLink(storage: string): Promise<Loose[]> {
  const real = await realpath(storage).catch(() => undefined);
  if (real === undefined || !(await lstat(storage)).isSymbolicLink()) return [];
  return [...(await looseFolderOf(dirname(storage))), ...looseFolder(real, await stat(real))];
}

/**
 * Passphrase and PIN are judged when they are read. The socket's folder may be listed, so that a group can reach the socket, whose own
 * permissions are set at each start; whoever can change the folder can put a socket of their own there.
 */
function guardedPaths({ storage_path: storage, admin, prometheus }: Config): [string, Judge][] {
  const inStorage = [
    'torchpass.db',
    'torchpass.db-wal',
    'torchpass.db-shm',
    'controller.lock',
    'controller-key.sealed',
  ];
  // Revocation lists are for everybody.
  const { revocationLists: _public, ...forPrometheus } = prometheusPaths(prometheus.folder);
  return [
    [storage, looseFolder],
    ...inStorage.map((name): [string, Judge] => [join(storage, name), looseFile]),
    [dirname(admin.socket), changeableByOthers],
    ...Object.values(forPrometheus).map((path): [string, Judge] => [path, looseForReader]),
  ];
}
