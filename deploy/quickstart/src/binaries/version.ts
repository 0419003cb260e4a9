import { isTorchpassError } from '@torchpass/core';
import { run } from './run.ts';

export type Program = 'prometheus' | 'node_exporter' | 'promtool';

/** It takes a moment; on a disk that is asleep or a busy machine, some seconds. */
const PATIENCE_MS = 20_000;

/** The version that the program at `path` says it has; undefined when it does not start or is another program. */
export async function versionOf(path: string, program: Program, signal?: AbortSignal): Promise<string | undefined> {
  const output = await run(path, ['--version'], { signal, patience: PATIENCE_MS }).catch((error: unknown) => {
    if (isTorchpassError(error)) return '';
    throw error;
  });
  const [, name, version] = /^(\w+), version (\S+)/.exec(output) ?? [];
  return name === program ? version : undefined;
}
