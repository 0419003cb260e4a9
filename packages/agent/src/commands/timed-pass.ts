import { isTorchpassError } from '@torchpass/core';
import { failuresSoFar, planNext } from './next-pass.ts';
import type { SyncReport } from './report.ts';
import type { Seams } from './seams.ts';
import { type SyncOptions, syncPass } from './sync.ts';

/** A pass by hand or from a timer: counts failures where the process before left off, and plans the next one. */
export async function timedPass(seams: Seams, options: SyncOptions): Promise<SyncReport> {
  const failures = await failuresSoFar(seams);
  try {
    const report = await syncPass(seams, options);
    await planNext(seams, report.complete ? 0 : failures + 1, report);
    return report;
  } catch (error) {
    if (isTorchpassError(error)) await planNext(seams, failures + 1, undefined);
    throw error;
  }
}
