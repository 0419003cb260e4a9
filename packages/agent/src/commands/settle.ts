import { isTorchpassError, toTorchpassError } from '@torchpass/core';
import { type DesiredExporter, TargetState } from '@torchpass/protocol';
import type { CheckedBundle } from '../controller/bundle.ts';
import { issueGeneration } from '../exporters/issue.ts';
import { type LockedDown, lockDown } from '../exporters/lock-down.ts';
import { seenSerial, type Survey } from '../exporters/survey.ts';
import { wantedOf } from '../exporters/wanted.ts';
import type { Appointments } from '../identity/due.ts';
import { logCause } from './log-cause.ts';
import type { Seams } from './seams.ts';
import type { Session } from './session.ts';

interface SettleOptions {
  renew: boolean;
  restarted: boolean;
  appointments: Appointments;
  signal: AbortSignal | undefined;
}

/** Brings one exporter to what should be. What goes wrong with it is part of the result and does not stop the others. */
export async function settle(
  found: Survey,
  desired: DesiredExporter,
  bundle: CheckedBundle,
  session: Session,
  seams: Seams,
  { renew, restarted, appointments, signal }: SettleOptions,
): Promise<LockedDown> {
  const asFound = { generation: found.current, servingSerial: seenSerial(found), startedFor: found.startedFor };
  const undecided = desired.dnsNames.length + desired.ipAddresses.length === 0;
  if (desired.state === TargetState.REFUSED || undecided) return { ...asFound, problem: found.obstacle };
  try {
    const wanted = wantedOf(desired, bundle, session.identity, { renew, restarted, appointments, clock: seams.clock });
    return await lockDown(found, wanted, {
      ...seams,
      identity: session.identity.pair,
      issue: () => {
        seams.say(`Exporter "${found.exporter.name}": getting a certificate …`);
        return issueGeneration(found, wanted, session.controller, seams);
      },
      signal,
    });
  } catch (error) {
    const ours =
      isTorchpassError(error) &&
      !isTorchpassError(error, 'CONTROLLER_UNREACHABLE', 'IDENTITY_REJECTED', 'IDENTITY_REQUIRED');
    if (!ours) throw error;
    seams.logger.warn('the exporter could not be locked down', {
      exporter: found.exporter.name,
      what: toTorchpassError(error).sentence,
    });
    logCause(seams.logger, error);
    return { ...asFound, problem: error };
  }
}
