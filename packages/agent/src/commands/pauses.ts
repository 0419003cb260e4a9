import { backoffMs, type Random } from '@torchpass/core';

const SHORTEST_MS = 1000;
const LADDER = { firstMs: 1000, longestMs: 600_000 };
/** Of what is left of a certificate's life: at least ten more attempts fit into it. */
const SHARE_OF_LIFE = 0.1;
const JITTER = 0.1;

/**
 * The pause after the failure number `failures` in a row, in milliseconds: doubling from a second to ten minutes, and
 * shorter again as the end of a certificate comes near. Always jittered: hosts that joined together, or met the same
 * outage, do not come back together.
 */
export function retryPauseMs(failures: number, lifeLeftMs: number | undefined, random: Random): number {
  const limit = lifeLeftMs === undefined || lifeLeftMs <= 0 ? LADDER.longestMs : lifeLeftMs * SHARE_OF_LIFE;
  const longestMs = Math.min(LADDER.longestMs, limit);
  return Math.max(SHORTEST_MS, backoffMs(failures, { ...LADDER, longestMs }, random));
}

/** The pause after a success: until the controller's time or the next renewal, whichever is first, give or take a tenth. */
export function calmPauseMs(comeBackMs: number, untilDueMs: number, random: Random): number {
  const jittered = Math.min(comeBackMs, untilDueMs) * (1 - JITTER + 2 * JITTER * random.fraction());
  return Math.max(SHORTEST_MS, jittered);
}
