import { TorchpassError } from '@torchpass/core';

/** Why this text would leave an exporter open or not start it, each a sentence; none when it demands client certificates. */
export function webConfigProblems(_text: string): string[] {
  throw new TorchpassError('INTERNAL', 'webConfigProblems is not written yet.');
}
