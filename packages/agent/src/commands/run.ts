import { isTorchpassError, roughDuration, toTorchpassError } from '@torchpass/core';
import { logCause } from './log-cause.ts';
import { planNext } from './next-pass.ts';
import type { SyncReport } from './report.ts';
import type { Seams } from './seams.ts';

/**
 * Stays, and does a pass whenever one is due, until `signal` is aborted. A failure of any kind, also a controller that is
 * away for weeks, only means another attempt.
 *
 * `pass` does one pass under the lock. Errors: NOT_ENROLLED, also when the host leaves later.
 */
export async function runResident(pass: () => Promise<SyncReport>, seams: Seams, signal: AbortSignal): Promise<void> {
  const { clock, logger } = seams;
  for (let failures = 0; !signal.aborted;) {
    let pause: number;
    try {
      const report = await pass();
      failures = report.complete ? 0 : failures + 1;
      pause = await planNext(seams, failures, report);
      for (const sentence of report.missing) logger.warn('something is missing', { what: sentence });
      logger.info('the pass is done', { complete: report.complete, next_in: roughDuration(pause) });
    } catch (error) {
      if (signal.aborted) break;
      // The host has left: there is nothing to come back to.
      if (isTorchpassError(error, 'NOT_ENROLLED')) throw error;
      failures += 1;
      pause = await planNext(seams, failures, undefined);
      const { code, sentence } = toTorchpassError(error);
      const fields = { code, what: sentence, attempt: failures, next_in: roughDuration(pause) };
      logger.error('the pass failed', fields);
      logCause(logger, error);
    }
    await clock.sleep(pause, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
  logger.info('the agent stops');
}
