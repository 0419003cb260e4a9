import { isTorchpassError, type TorchpassError } from '@torchpass/core';
import { type Appointments, renewalDue } from '../identity/due.ts';
import { readPendingKey } from '../identity/pending-key.ts';
import { logCause } from './log-cause.ts';
import type { Seams } from './seams.ts';
import type { Session } from './session.ts';

/**
 * Renews the host's own certificate when it is due or `renew` demands it, and finishes a renewal that was interrupted. A failure that leaves the
 * old one usable is returned: the exporters can still be looked after.
 */
export async function keepIdentity(
  session: Session,
  { layout, files, clock, logger, say }: Seams,
  { renew, appointments }: { renew: boolean; appointments: Appointments },
): Promise<TorchpassError | undefined> {
  const { nextKey, joinKey } = layout.identity;
  const { leaf } = session.identity.pair;
  const pending = await readPendingKey(nextKey, files);
  const joined = await readPendingKey(joinKey, files);
  if (joined?.belongsTo(leaf) === true) await files.remove(joinKey);
  const finished = pending?.belongsTo(leaf) === true;
  if (finished) await files.remove(nextKey);
  const begun = pending !== undefined && !finished;
  if (!begun && !renew && clock.now() < renewalDue(leaf, appointments)) return undefined;
  say("Renewing this host's identity …");
  try {
    await session.renew();
    return undefined;
  } catch (error) {
    const grave = isTorchpassError(error, 'CONTROLLER_UNREACHABLE', 'IDENTITY_REJECTED', 'IDENTITY_REQUIRED');
    if (grave || !isTorchpassError(error)) throw error;
    logger.warn('the identity could not be renewed', { what: error.sentence });
    logCause(logger, error);
    return error;
  }
}
