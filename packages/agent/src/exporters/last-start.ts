import type { Files } from '@torchpass/core';
import { type ExporterLayout, PRIVATE_FILE } from '../storage/layout.ts';

/**
 * The restart generation for which an exporter was last started: 0 when it never mattered, or when the note is damaged, so
 * that it is restarted once too often rather than once too seldom.
 */
export async function readLastStart(place: ExporterLayout, files: Files): Promise<number> {
  const text = (await files.read(place.lastStart))?.toString('utf8') ?? '';
  return /^[1-9]\d{0,14}\n$/.test(text) ? Number(text) : 0;
}

export async function noteStart(place: ExporterLayout, generation: number, files: Files): Promise<void> {
  await files.write(place.lastStart, { data: `${generation}\n`, ...PRIVATE_FILE });
}
