import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Machine } from '../machine.ts';

/** A folder that is removed when the test ends. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'torchpass-binaries-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A machine with nothing: no programs, no apt sources, no upstream. */
export function emptyMachine(folder: string): Machine {
  return {
    path: join(folder, 'no-programs'),
    aptFolder: join(folder, 'apt'),
    osRelease: join(folder, 'os-release'),
    architecture: 'amd64',
    upstream: 'http://127.0.0.1:1/nothing',
  };
}
