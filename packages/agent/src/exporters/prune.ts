import type { Clock, Files } from '@torchpass/core';
import type { ExporterLayout } from '../storage/layout.ts';
import { readGenerations } from './generation.ts';

const KEEP_MS = 11 * 60_000; // ten minutes, and the minute by which certificates are backdated
const KEEP_AT_LEAST = 2;

/**
 * Removes generations that nothing can still be reading. An exporter that has just read the old web configuration
 * opens the files that it names a moment later, so an old generation stays for ten minutes after its successor was
 * issued; the last two stay always, and so does the one in use.
 */
export async function pruneGenerations(
  place: ExporterLayout,
  inUse: string | undefined,
  { clock, files }: { clock: Clock; files: Files },
): Promise<void> {
  const generations = await readGenerations(place, files);
  const now = clock.now().getTime();
  for (const [index, generation] of generations.entries()) {
    const successor = generations[index + 1];
    const last = index >= generations.length - KEEP_AT_LEAST;
    if (last || successor === undefined || generation.serial === inUse) continue;
    if (successor.leaf.validFromDate.getTime() + KEEP_MS < now) await files.remove(generation.folder);
  }
}
