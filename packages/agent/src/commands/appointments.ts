import type { CheckInResponse, ExporterReport } from '@torchpass/protocol';
import type { Appointments } from '../identity/due.ts';

/** With clocks further apart than this, a time that the controller says is not the time that it means. */
const TOLERATED_MS = 10 * 60_000;

/**
 * When the controller wants the certificates to be renewed that it was shown: the identity of this call, and what the
 * exporters were reported to serve. None while the clocks differ: each certificate then keeps to its own point.
 */
export function appointmentsIn(
  answer: CheckInResponse,
  { identity, reports, now }: { identity: string; reports: readonly ExporterReport[]; now: Date },
): Appointments {
  const apart = Math.abs(now.getTime() - (answer.serverTime ?? now).getTime());
  if (apart > TOLERATED_MS) return new Map();
  const told: [string, Date | undefined][] = [
    [identity, answer.renewIdentityAt],
    ...answer.exporters.map(({ name, renewAt }): [string, Date | undefined] => {
      const shown = reports.find((report) => report.name === name)?.servingSerial.toString('hex') ?? '';
      return [shown, renewAt];
    }),
  ];
  return new Map(told.flatMap(([serial, at]) => (at === undefined || serial === '' ? [] : [[serial, at]])));
}
