/** Aborted after a time or by the caller, whichever is first. The timer keeps the process alive until `clear`. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether it was the time. */
  readonly passed: () => boolean;
  readonly clear: () => void;
}

export function startDeadline(milliseconds: number, caller: AbortSignal | undefined): Deadline {
  const time = new AbortController();
  const timer = setTimeout(() => time.abort(), milliseconds);
  return {
    signal: caller === undefined ? time.signal : AbortSignal.any([time.signal, caller]),
    passed: () => time.signal.aborted,
    clear: () => clearTimeout(timer),
  };
}

export function onAbort({ signal }: Deadline, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true });
}
