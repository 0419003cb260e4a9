import { isTorchpassError } from '@torchpass/core';
import { writeLastPass } from '../storage/status-cache.ts';
import { stateName, type SyncReport } from './report.ts';
import type { Seams } from './seams.ts';

/** Notes how a pass ended, for `status`. A pass does not fail because that cannot be written. */
export async function remember(
  { layout, files, clock, logger }: Seams,
  { comeBackMs, missing, exporters }: Pick<SyncReport, 'missing' | 'exporters'> & { comeBackMs: number | undefined },
): Promise<void> {
  const at = clock.now();
  const pass = {
    at: at.toISOString(),
    nextAt: comeBackMs === undefined ? undefined : new Date(at.getTime() + comeBackMs).toISOString(),
    problem: missing[0],
    exporters: exporters.map(({ name, state, target, problem }) => ({
      name,
      state: stateName(state),
      target,
      problem: problem ?? '',
    })),
  };
  try {
    await writeLastPass(layout, pass, files);
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    logger.warn('the result of the pass could not be noted', { error });
  }
}
