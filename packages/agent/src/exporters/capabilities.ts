import { stat } from 'node:fs/promises';
import { type Files, reasonOf, TorchpassError } from '@torchpass/core';
import type { ExporterSettings } from '../config/settings.ts';
import { type ExporterLayout, PRIVATE_FILE } from '../storage/layout.ts';
import type { Capabilities, LearnCapabilities } from './canary.ts';
import type { Generation } from './generation.ts';

/** What is assumed of a program that nobody named: every version understands it. */
const LEAST: Capabilities = { flag: undefined, allowedSans: false };

/**
 * What the exporter's program understands. Tried out once for each version of the program: the answer is kept
 * with its path, size and time of change.
 */
export async function capabilitiesOf(
  exporter: ExporterSettings,
  place: ExporterLayout,
  generation: Generation,
  learn: LearnCapabilities,
  files: Files,
): Promise<Capabilities> {
  if (exporter.binary === undefined) return LEAST;
  const found = await stat(exporter.binary).catch((error: unknown) => {
    throw new TorchpassError(
      'FILE_UNREADABLE',
      `The program of the exporter "${exporter.name}" cannot be found: ${reasonOf(error)}.`,
      {
        cause: error,
        hint: 'Correct "binary" in the configuration, or leave it out.',
      },
    );
  });
  const key = JSON.stringify([exporter.binary, found.size, found.mtimeMs, exporter.binaryArgs]);
  const kept = readKept((await files.read(place.capabilities))?.toString('utf8') ?? '', key);
  if (kept !== undefined) return kept;
  const learnt = await learn(exporter, place, generation);
  if (learnt === undefined) return LEAST;
  await files.write(place.capabilities, { data: `${JSON.stringify({ key, ...learnt })}\n`, ...PRIVATE_FILE });
  return learnt;
}

function readKept(text: string, key: string): Capabilities | undefined {
  try {
    const value = JSON.parse(text) as { key?: unknown; flag?: unknown; allowedSans?: unknown };
    if (value.key !== key || typeof value.allowedSans !== 'boolean') return undefined;
    return { flag: typeof value.flag === 'string' ? value.flag : undefined, allowedSans: value.allowedSans };
  } catch {
    return undefined;
  }
}
