import { isTorchpassError, type ErrorKind, type Logger } from '@torchpass/core';

/** What the operator has to mend; the rest is the caller's affair and is told to the caller. */
const OURS: ReadonlySet<ErrorKind> = new Set(['internal', 'failed', 'unavailable']);

/** Logs why a call failed, if that is for the operator to know. */
export function logFailure(logger: Logger, method: string, reason: unknown): void {
  if (isTorchpassError(reason) && !OURS.has(reason.kind)) return;
  logger.error('call failed', { method, error: reason });
}
