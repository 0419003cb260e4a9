import { formatHostPort, isTorchpassError } from '@torchpass/core';
import { requireIdentity } from '../identity/store.ts';
import type { Seams } from './seams.ts';
import { openSession } from './session.ts';

/**
 * Ends this host's membership and forgets its identity. The exporters' files stay: without its web configuration an
 * exporter would serve everybody. The caller holds the lock.
 *
 * Errors: NOT_ENROLLED, CONTROLLER_UNREACHABLE.
 */
export async function leaveController(seams: Seams, signal?: AbortSignal): Promise<void> {
  const { layout, files, say } = seams;
  const identity = await requireIdentity(layout, files);
  const session = openSession(identity, seams, signal);
  try {
    await session.controller.leave();
  } catch (error) {
    // The answer to an earlier "leave" was lost, or the operator was first.
    if (!isTorchpassError(error, 'IDENTITY_REJECTED', 'IDENTITY_REQUIRED')) throw error;
    say('The controller does not take this identity any more.');
  } finally {
    session.close();
  }
  // First what makes this host a member; without it the rest says nothing.
  await files.remove(layout.identity.pair);
  await files.remove(layout.identity.folder);
  await files.remove(layout.status);
  await files.remove(layout.appointments);
  say(`Host "${identity.hostName}" has left the controller at ${formatHostPort(identity.controller)}.`);
  say('Its exporters stay locked: their certificates remain in place and are no longer renewed.');
}
