import { TorchpassError } from '@torchpass/core';

export function notYet(): never {
  throw new TorchpassError('INTERNAL', 'This part of the X.509 package is not written yet.');
}
