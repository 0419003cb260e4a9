import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Binaries } from './types.ts';
import { versionOf, type Program } from './version.ts';

/** Debian's name first: there, a plain `node_exporter` is somebody's own. */
const NODE_EXPORTER_NAMES = ['prometheus-node-exporter', 'node_exporter'];

/** Prometheus and node_exporter where both are installed and answer to their name. */
export async function binariesOnPath(path: string, signal?: AbortSignal): Promise<Binaries | undefined> {
  const prometheus = await locate(path, ['prometheus'], 'prometheus', signal);
  const nodeExporter = await locate(path, NODE_EXPORTER_NAMES, 'node_exporter', signal);
  if (prometheus === undefined || nodeExporter === undefined) return undefined;
  const promtool = await locate(path, ['promtool'], 'promtool', signal);
  return { prometheus, nodeExporter, promtool, source: 'PATH' };
}

async function locate(path: string, names: string[], program: Program, signal?: AbortSignal) {
  // A relative entry would mean another program after a change of folder.
  const folders = path.split(':').filter((folder) => isAbsolute(folder));
  for (const candidate of names.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    const executable = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable && (await versionOf(candidate, program, signal)) !== undefined) return candidate;
  }
  return undefined;
}
