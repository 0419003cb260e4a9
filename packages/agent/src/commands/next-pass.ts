import { isTorchpassError } from '@torchpass/core';
import { readLastPass, writeLastPass } from '../storage/status-cache.ts';
import { certificatesInUse } from './in-use.ts';
import { calmPauseMs, retryPauseMs } from './pauses.ts';
import type { SyncReport } from './report.ts';
import type { Seams } from './seams.ts';

/** Nobody plans further ahead; a later time is of a clock that was set back since. */
const FURTHEST_MS = 25 * 3_600_000;

/**
 * How long to wait after a pass, in milliseconds: until the controller wants to hear from us or something is due; after the
 * failure number `failures` in a row the ladder of pauses, with its faster steps near the end of a certificate. Noted for
 * `status` and for `sync --if-due`. `report` is undefined when the pass failed as a whole.
 */
export async function planNext(seams: Seams, failures: number, report: SyncReport | undefined): Promise<number> {
  const { clock, random } = seams;
  const calm =
    report === undefined
      ? Number.POSITIVE_INFINITY
      : calmPauseMs(report.comeBackMs, report.due.getTime() - clock.now().getTime(), random);
  const pause = failures === 0 ? calm : Math.min(calm, await retryPause(failures, seams));
  await note(seams, failures, new Date(clock.now().getTime() + pause));
  return pause;
}

/** How many passes failed in a row, as far as is noted. */
export async function failuresSoFar({ layout, files }: Seams): Promise<number> {
  return (await readLastPass(layout, files))?.failures ?? 0;
}

/** When the next pass is due; undefined when it is due now. */
export async function dueLater({ layout, files, clock }: Seams): Promise<Date | undefined> {
  const nextAt = (await readLastPass(layout, files))?.nextAt;
  const left = nextAt === undefined ? Number.NaN : new Date(nextAt).getTime() - clock.now().getTime();
  return left > 0 && left < FURTHEST_MS ? new Date(clock.now().getTime() + left) : undefined;
}

async function retryPause(failures: number, seams: Seams): Promise<number> {
  const now = seams.clock.now().getTime();
  const ends = (await certificatesInUse(seams)).map((leaf) => leaf.validToDate.getTime() - now);
  return retryPauseMs(failures, ends.length === 0 ? undefined : Math.min(...ends), seams.random);
}

async function note({ layout, files, logger }: Seams, failures: number, nextAt: Date): Promise<void> {
  try {
    const last = await readLastPass(layout, files);
    if (last !== undefined) await writeLastPass(layout, { ...last, failures, nextAt: nextAt.toISOString() }, files);
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    logger.warn('the next pass could not be noted', { error });
  }
}
