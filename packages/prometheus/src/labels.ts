import { TorchpassError } from '@torchpass/core';

/** The labels, sorted by name; LABEL_INVALID when one cannot be used. */
export function checkLabels(_labels: Readonly<Record<string, string>>): Record<string, string> {
  throw new TorchpassError('INTERNAL', 'checkLabels is not written yet.');
}
