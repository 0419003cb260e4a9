import type { Cryptoki } from './cryptoki.ts';
import type { Handle } from './library.ts';

/** A session does one thing at a time (PKCS #11, 5.6): this many things at once. */
const MOST_SESSIONS = 4;

/** Lends sessions of one slot. Being logged in is a matter of the slot, not of the session. */
export class Sessions {
  readonly #cryptoki: Cryptoki;
  readonly #slot: Handle;
  readonly #idle: Handle[] = [];
  readonly #waiting: (() => void)[] = [];
  #lent = 0;

  constructor(cryptoki: Cryptoki, slot: Handle) {
    this.#cryptoki = cryptoki;
    this.#slot = slot;
  }

  async lend<T>(work: (session: Handle) => Promise<T>): Promise<T> {
    while (this.#lent >= MOST_SESSIONS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#lent += 1;
    try {
      const session = this.#idle.pop() ?? (await this.#cryptoki.openSession(this.#slot));
      const result = await work(session);
      // After a failure its state is unknown: it is left to the end of the connection.
      this.#idle.push(session);
      return result;
    } finally {
      this.#lent -= 1;
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  /** When nothing is lent any more. */
  async settled(): Promise<void> {
    while (this.#lent > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
