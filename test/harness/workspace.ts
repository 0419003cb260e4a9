import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Scope } from './scope.ts';

const NAME = /^torchpass-test-(\d+)-/;

/** An empty folder that is removed with the scope. */
export async function workspace(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `torchpass-test-${process.pid}-`));
  scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** Removes what test runs that were killed have left. */
export async function sweepWorkspaces(): Promise<void> {
  const running = new Set(await readdir('/proc'));
  for (const name of await readdir(tmpdir())) {
    const owner = NAME.exec(name)?.[1];
    if (owner !== undefined && !running.has(owner)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
