import { join } from 'node:path';
import type { Binaries } from './types.ts';
import { versionOf } from './version.ts';

/** The programs in a folder of the cache, when they are there and start; undefined otherwise. */
export async function openFolder(folder: string, source: string, signal?: AbortSignal): Promise<Binaries | undefined> {
  const runs = async (name: string, program: Parameters<typeof versionOf>[1]) => {
    const path = join(folder, name);
    return (await versionOf(path, program, signal)) === undefined ? undefined : path;
  };
  const [prometheus, packaged, plain, promtool] = await Promise.all([
    runs('prometheus', 'prometheus'),
    runs('prometheus-node-exporter', 'node_exporter'),
    runs('node_exporter', 'node_exporter'),
    runs('promtool', 'promtool'),
  ]);
  const nodeExporter = packaged ?? plain;
  if (prometheus === undefined || nodeExporter === undefined) return undefined;
  return { prometheus, nodeExporter, promtool, source };
}
