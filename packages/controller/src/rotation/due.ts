import type { Authority } from '../issuance/authorities.ts';

export interface DuePolicy {
  /** How long before its end an authority is rotated; undefined: a third of its life. */
  rotateBeforeMs: number | undefined;
  /** Of what it issues. */
  longestLeafMs: number;
}

/**
 * Whether an authority has to be rotated because of its own end: in time for two of its longest leaves, and never in the first
 * half of its life, or one that lives shorter than its leaves would be rotated without end.
 */
export function isNearEnd(
  { notBefore, notAfter }: Pick<Authority, 'notBefore' | 'notAfter'>,
  { rotateBeforeMs, longestLeafMs }: DuePolicy,
  now: Date,
): boolean {
  const life = notAfter.getTime() - notBefore.getTime();
  const before = Math.max(rotateBeforeMs ?? life / 3, 2 * longestLeafMs);
  return now.getTime() >= notAfter.getTime() - Math.min(before, life / 2);
}
