import { TorchpassError } from '@torchpass/core';
import type { ProbeCredentials, ProbeTarget } from './probe.ts';

export interface Intruder {
  /** "no certificate", "an agent identity". */
  name: string;
  credentials: ProbeCredentials | undefined;
}

export interface MatrixOptions {
  intruders: readonly Intruder[];
  /** Lower-case hex of the serial that should be served. */
  expectedSerial?: string | undefined;
  /** For each probe; they run at the same time. */
  timeoutMs: number;
  connectTo?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface MatrixResult {
  reachable: boolean;
  servedSerial: string | undefined;
  /** What let a stranger in, each a sentence. */
  openings: string[];
  /** The first thing to fix, with the next step; undefined when every defence stands. */
  problem: string | undefined;
}

export function probeDefences(_target: ProbeTarget, _options: MatrixOptions): Promise<MatrixResult> {
  throw new TorchpassError('INTERNAL', 'probeDefences is not written yet.');
}
