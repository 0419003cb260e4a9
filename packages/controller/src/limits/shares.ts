import { Lanes } from './lanes.ts';

/**
 * Bounds how much one caller has under way at once, so that nobody takes all that everybody shares. Whoever has its share waits for
 * its own work alone. How many wait is for the user of this to bound.
 */
export class Shares {
  readonly #most: number;
  readonly #callers = new Map<string, Lanes>();

  /** `most`: pieces of work that one caller has under way. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves when the caller has room; what it answers has to be called at the end. @throws the signal's reason. */
  async enter(caller: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const own = this.#callers.get(caller) ?? new Lanes({ most: this.#most, reserved: 0, mostWaiting: Infinity });
    this.#callers.set(caller, own);
    const leave = await own.enter('host', signal);
    return () => {
      leave();
      if (own.running('host') === 0 && this.#callers.get(caller) === own) this.#callers.delete(caller);
    };
  }

  /** How many of this caller wait for room. */
  waiting(caller: string): number {
    return this.#callers.get(caller)?.waiting('host') ?? 0;
  }

  /** How many callers are remembered. */
  get size(): number {
    return this.#callers.size;
  }
}
