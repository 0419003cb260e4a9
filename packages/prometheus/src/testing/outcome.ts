import { type ErrorCode, isTorchpassError } from '@torchpass/core';

/** `done`, or the code of our own error; any other error is thrown on, and so fails the test. */
export function outcomeOf(work: () => unknown): 'done' | ErrorCode {
  try {
    work();
    return 'done';
  } catch (error) {
    if (isTorchpassError(error)) return error.code;
    throw error;
  }
}
