import { roughDuration } from '@torchpass/core';
import type { Seams } from './seams.ts';

/** Certificates are backdated by a minute: within that, clocks may differ. */
const TOLERATED_MS = 60_000;

/** A wrong clock makes good certificates look expired, or not yet valid: say so before that happens. */
export function warnAboutClock(serverTime: Date | undefined, { clock, logger, say }: Seams): void {
  if (serverTime === undefined) return;
  const ahead = clock.now().getTime() - serverTime.getTime();
  if (Math.abs(ahead) <= TOLERATED_MS) return;
  const how = `${roughDuration(ahead)} ${ahead > 0 ? 'ahead of' : 'behind'}`;
  logger.warn('the clocks of this machine and of the controller differ', { ahead_seconds: Math.round(ahead / 1000) });
  say(
    `Warning: this machine's clock is ${how} the controller's. Certificates will look not yet valid or expired: set the clock, for example with NTP.`,
  );
}
