import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  withinMs: number;
  /** Between two attempts; 50 unless given. */
  everyMs?: number;
}

/** The first result of `attempt` that is not an error. When none comes in time, fails with the last error as its cause. */
export async function eventually<T>(attempt: () => T | Promise<T>, { withinMs, everyMs = 50 }: Patience): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof GiveUp) throw error;
      if (performance.now() > deadline) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`Not within ${withinMs} ms: ${reason}`, { cause: error });
      }
    }
    await delay(everyMs);
  }
}

/** Thrown by an attempt when no later one can succeed. */
export class GiveUp extends Error {
  override readonly name = 'GiveUp';
}
