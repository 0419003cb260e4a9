import { createPrivateKey } from 'node:crypto';
import { backoffMs, isTorchpassError, roughDuration, TorchpassError } from '@torchpass/core';
import { fingerprintText, keyFingerprint, publicKeyInfo } from '@torchpass/pki';
import type { PendingKey } from '../identity/pending-key.ts';
import type { Seams } from './seams.ts';

/** A person is asked now, and answers within the hour or tomorrow. */
export const DEFAULT_WAIT_MS = 60 * 60_000;
const LADDER = { firstMs: 5000, longestMs: 60_000 };

export interface Waiting {
  /** How long to wait for a person, in milliseconds; 0 asks once. */
  waitMs: number;
  signal: AbortSignal | undefined;
}

/**
 * Asks until a person has approved this host, with growing pauses, and shows the fingerprint of `key`, made from the key
 * itself: it is what the person compares. A controller that is away for a while only means another attempt.
 *
 * Errors: APPROVAL_PENDING when the time is up, TOKEN_REJECTED when the person said no, those of `ask`.
 */
export async function untilApproved<T>(
  ask: () => Promise<T>,
  key: PendingKey,
  { clock, random, say }: Pick<Seams, 'clock' | 'random' | 'say'>,
  { waitMs, signal }: Waiting,
): Promise<T> {
  const fingerprint = fingerprintText(keyFingerprint(publicKeyInfo(createPrivateKey(key.pem))));
  const end = clock.now().getTime() + waitMs;
  for (let refusals = 0; ;) {
    try {
      return await ask();
    } catch (error) {
      const passing = refusals > 0 && isTorchpassError(error, 'CONTROLLER_UNREACHABLE', 'RATE_LIMITED');
      if (!passing && !isTorchpassError(error, 'APPROVAL_PENDING')) throw error;
      const left = end - clock.now().getTime();
      if (refusals === 0) {
        say(`A person has to approve this host. Its key has the fingerprint ${fingerprint}`);
        say('The operator finds it with "torchpass host list" and compares.');
        if (left > 0) say(`Waiting up to ${roughDuration(left)}; Ctrl-C keeps the key …`);
      }
      if (left <= 0) throw notYet(fingerprint, error);
      refusals += 1;
      await clock.sleep(Math.min(left, backoffMs(refusals, LADDER, random)), signal);
    }
  }
}

function notYet(fingerprint: string, cause: unknown): TorchpassError {
  return new TorchpassError(
    'APPROVAL_PENDING',
    `Nobody has approved this host yet; its key has the fingerprint ${fingerprint}.`,
    { cause, hint: 'Once it is approved, run "torchpass-agent enroll" again with the same token.' },
  );
}
