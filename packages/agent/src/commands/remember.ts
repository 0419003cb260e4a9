import { isTorchpassError } from '@torchpass/core';
import type { Appointments } from '../identity/due.ts';
import { writeAppointments } from '../storage/appointments.ts';
import { type LastPass, readLastPass, writeLastPass } from '../storage/status-cache.ts';
import type { Problem } from './problem.ts';
import { type ExporterOutcome, stateName } from './report.ts';
import type { Seams } from './seams.ts';

export interface PassEnd {
  problems: Problem[];
  /** Undefined: the controller did not say, and what it said before is kept. */
  exporters: ExporterOutcome[] | undefined;
  /** In milliseconds. */
  comeBackMs: number | undefined;
}

/** Notes how a pass ended, for `status`. A pass does not fail because that cannot be written. */
export async function remember(
  { layout, files, clock, logger }: Seams,
  { comeBackMs, problems, exporters }: PassEnd,
): Promise<void> {
  const now = clock.now();
  const at = now.toISOString();
  try {
    const before = await readLastPass(layout, files);
    const checkIn = exporters === undefined ? before?.checkIn : { at, exporters: exporters.map(noteOf) };
    const nextAt = comeBackMs === undefined ? undefined : new Date(now.getTime() + comeBackMs).toISOString();
    await writeLastPass(layout, { at, nextAt, failures: before?.failures ?? 0, problems, checkIn }, files);
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    logger.warn('the result of the pass could not be noted', { error });
  }
}

function noteOf({
  name,
  state,
  target,
  problem,
}: ExporterOutcome): NonNullable<LastPass['checkIn']>['exporters'][number] {
  return { name, state: stateName(state), target, problem: problem?.what ?? '' };
}

/** Notes when the controller wants certificates to be renewed. Without the note each certificate has its own point. */
export async function rememberAppointments(
  { layout, files, logger }: Seams,
  appointments: Appointments,
): Promise<void> {
  try {
    await writeAppointments(layout, appointments, files);
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    logger.warn('the times of renewal could not be noted', { error });
  }
}
