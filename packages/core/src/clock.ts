import { setTimeout as delay } from 'node:timers/promises';

/** The only source of time. Injected everywhere, so that expiry and skew are tests. */
export interface Clock {
  now(): Date;
  /** Resolves after `milliseconds`; rejects with the signal's reason when it is aborted first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** setTimeout's own limit: a longer pause would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  async sleep(milliseconds, signal) {
    if (Number.isNaN(milliseconds)) throw new RangeError('A pause has to be a number of milliseconds.');
    for (let left = Math.max(0, milliseconds); ; left -= LONGEST_TIMER_MS) {
      await delay(Math.min(left, LONGEST_TIMER_MS), undefined, signal === undefined ? {} : { signal }).catch(
        (error: unknown) => {
          signal?.throwIfAborted();
          throw error;
        },
      );
      if (left <= LONGEST_TIMER_MS) return;
    }
  },
};
