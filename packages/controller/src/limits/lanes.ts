import { TorchpassError } from '@torchpass/core';

/** `host`: who is known to belong to the fleet. `stranger`: everybody else. */
export type Lane = 'host' | 'stranger';

export interface LanesOptions {
  /** Pieces of work under way at once. */
  most: number;
  /** How many of these strangers cannot take. */
  reserved: number;
  /** How many may wait, in each lane. */
  mostWaiting: number;
}

interface Waiting {
  begin: () => void;
}

/**
 * Bounds how much of a kind of work is under way, and how much waits for it. Hosts go before strangers, and strangers
 * never take all of it, so a flood of them makes hosts wait for one piece of work at most.
 */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #running: Record<Lane, number> = { host: 0, stranger: 0 };
  readonly #waiting: Record<Lane, Set<Waiting>> = { host: new Set(), stranger: new Set() };

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Does the work when its turn comes. @throws RATE_LIMITED when too many wait; the signal's reason when nobody waits for it any more. */
  async run<T>(lane: Lane, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const leave = await this.enter(lane, signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Resolves when it is one's turn; what it answers has to be called at the end, and may be called again. As `run` otherwise. */
  async enter(lane: Lane, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (!this.#hasRoom(lane)) await this.#wait(lane, signal);
    else this.#running[lane] += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#running[lane] -= 1;
      this.#next();
    };
  }

  running(lane: Lane): number {
    return this.#running[lane];
  }

  waiting(lane: Lane): number {
    return this.#waiting[lane].size;
  }

  /** Whether somebody waits who would get the turn that work of this lane gave back. */
  isWanted(lane: Lane): boolean {
    const { most, reserved } = this.#options;
    if (this.waiting('host') > 0) return true;
    return this.waiting('stranger') > 0 && (lane === 'stranger' || this.#running.stranger < most - reserved);
  }

  #hasRoom(lane: Lane): boolean {
    const { most, reserved } = this.#options;
    const { host, stranger } = this.#running;
    return host + stranger < most && (lane === 'host' || stranger < most - reserved);
  }

  #wait(lane: Lane, signal: AbortSignal | undefined): Promise<void> {
    const queue = this.#waiting[lane];
    if (queue.size >= this.#options.mostWaiting) throw overloaded();
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        queue.delete(waiting);
        reject(signal?.reason as Error);
      };
      const begin = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const waiting = { begin };
      queue.add(waiting);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #next(): void {
    for (const lane of ['host', 'stranger'] as const) {
      for (const waiting of this.#waiting[lane]) {
        if (!this.#hasRoom(lane)) break;
        this.#waiting[lane].delete(waiting);
        this.#running[lane] += 1;
        waiting.begin();
      }
    }
  }
}

function overloaded(): TorchpassError {
  return new TorchpassError('RATE_LIMITED', 'The controller has more to do than it can at the moment.', {
    hint: 'Wait a moment and try again.',
  });
}
