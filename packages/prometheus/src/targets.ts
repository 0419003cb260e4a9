import { TorchpassError } from '@torchpass/core';

export interface Target {
  /** HOST:PORT. */
  address: string;
  /** Complete: also job, host, and perhaps `__metrics_path__`. */
  labels: Readonly<Record<string, string>>;
}

export function renderTargets(_targets: readonly Target[]): string {
  throw new TorchpassError('INTERNAL', 'renderTargets is not written yet.');
}

export function readTargets(_text: string): Target[] {
  throw new TorchpassError('INTERNAL', 'readTargets is not written yet.');
}
