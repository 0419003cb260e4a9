import { toTorchpassError } from '@torchpass/core';

/** What a refused caller sees: all of the error but its cause. */
export async function answerTo(call: Promise<unknown>): Promise<unknown[]> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => toTorchpassError(reason),
  );
  return [error?.code, error?.kind, error?.message, error?.hint];
}
