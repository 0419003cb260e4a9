import { TorchpassError, type Clock } from '@torchpass/core';
import type { Config } from '../config/load.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { Line } from './ledger.ts';

/** How many new certificates hosts may still have. Bounds what a stolen identity can write to disk and audit log. */
export interface Budget {
  /** Takes one of this line. `RATE_LIMITED` when there is none. Only hosts have a budget: everything else asks nobody. */
  spend(line: Line): void;
}

export interface BudgetConfig {
  certificates: Pick<Config['certificates'], 'identity_lifetime' | 'exporter_lifetime'>;
  limits: Pick<Config['limits'], 'rate_factor'>;
}

/** Of one line: at once, and in each lifetime when lifetimes are short. An honest agent takes one or two in each. */
const AT_ONCE = 20;
const LEAST_PER_SECOND = 1 / 3600;
/** What all lines of a role together get, in shares of one: exporters with new names are new lines. */
const LINES = 16;
const MOST_KEYS = 100_000;

export function createBudget({ certificates, limits }: BudgetConfig, clock: Clock): Budget {
  // Below one it takes nothing away: agents do not renew less often because limits are small.
  const times = Math.max(1, limits.rate_factor);
  const bucketsOf = (lifetimeMs: number) => {
    const refillPerSecond = Math.max(LEAST_PER_SECOND, AT_ONCE / (lifetimeMs / 1000));
    const buckets = (lines: number) =>
      new TokenBuckets({
        capacity: AT_ONCE * lines * times,
        refillPerSecond: refillPerSecond * lines * times,
        clock,
        maxKeys: MOST_KEYS,
      });
    return { line: buckets(1), host: buckets(LINES) };
  };
  const roles = {
    agent: bucketsOf(certificates.identity_lifetime),
    exporter: bucketsOf(certificates.exporter_lifetime),
  };

  return {
    spend({ role, hostId, subjectName }) {
      if (hostId === null || (role !== 'agent' && role !== 'exporter')) return;
      const { line, host } = roles[role];
      // A line that has none left takes nothing from the others.
      if (host.has(hostId) && line.take(`${hostId} ${subjectName}`)) return void host.take(hostId);
      throw new TorchpassError('RATE_LIMITED', 'The host had too many new certificates in a short time.', {
        hint: 'The next is made in an hour at the latest. If nobody forced renewals, somebody else may hold its identity: look at the audit log.',
      });
    },
  };
}
