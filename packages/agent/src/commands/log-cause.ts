import { isTorchpassError, type Logger } from '@torchpass/core';

/** What is underneath a failure, with its stack: shown when it is our mistake, and to who asks with --log.level=debug. */
export function logCause(logger: Logger, error: unknown): void {
  const ours = !isTorchpassError(error) || error.code === 'INTERNAL';
  logger[ours ? 'error' : 'debug']('the cause of the failure', { error });
}
