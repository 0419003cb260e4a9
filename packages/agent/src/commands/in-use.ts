import type { X509Certificate } from 'node:crypto';
import { isTorchpassError } from '@torchpass/core';
import { readGenerations } from '../exporters/generation.ts';
import { readInstalled } from '../exporters/web-config.ts';
import { readIdentity } from '../identity/store.ts';
import type { Seams } from './seams.ts';

/** The certificates on disk that something depends on: the host's own, and each exporter's. What cannot be read is left out. */
export async function certificatesInUse({ settings, layout, files }: Seams): Promise<X509Certificate[]> {
  const found = [readIdentity(layout, files).then((identity) => identity?.pair.leaf)];
  for (const { name, webConfig } of settings.exporters) found.push(installedLeaf(name, webConfig));
  const leaves = await Promise.all(found.map((leaf) => leaf.catch(nothing)));
  return leaves.filter((leaf) => leaf !== undefined);

  async function installedLeaf(name: string, webConfig: string): Promise<X509Certificate | undefined> {
    const installed = await readInstalled(webConfig, name, files);
    const generations = await readGenerations(layout.exporter(name), files);
    return generations.find(({ folder }) => folder === installed?.generation)?.leaf;
  }
}

function nothing(error: unknown): undefined {
  if (!isTorchpassError(error)) throw error;
}
