import type { Random } from './random.ts';

export interface BackoffOptions {
  /** Pause after the first failure, in milliseconds. */
  firstMs: number;
  /** No pause is longer than this, in milliseconds. */
  longestMs: number;
}

/**
 * The pause before attempt `failures + 1`: doubling, capped, with "equal jitter" (half fixed, half random), so that a
 * fleet that failed together does not come back together.
 */
export function backoffMs(failures: number, options: BackoffOptions, random: Random): number {
  const ceiling = Math.min(options.longestMs, options.firstMs * 2 ** Math.min(Math.max(failures - 1, 0), 40));
  return Math.round(ceiling / 2 + (ceiling / 2) * random.fraction());
}
