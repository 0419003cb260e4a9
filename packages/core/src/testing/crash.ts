/** Stands for kill -9: thrown by a seam at a chosen step, never caught by the product. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';
}

export interface CrashPoint {
  /** Call before each step that leaves a trace outside the process. */
  readonly step: (what: string) => void;
  /** Whether the crash happened; when false after a run, the run has no more steps. */
  readonly crashed: boolean;
  /** What the process was about to do when it died. */
  readonly at: string | undefined;
}

/** Dies before step number `n` (from 1) and at every step after it, as a dead process would. */
export function crashBefore(n: number): CrashPoint {
  let count = 0;
  let at: string | undefined;
  return {
    step(what) {
      count += 1;
      if (count < n) return;
      at ??= what;
      throw new SimulatedCrash(`killed before step ${n}: ${at}`);
    },
    get crashed() {
      return at !== undefined;
    },
    get at() {
      return at;
    },
  };
}
