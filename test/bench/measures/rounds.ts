import type { Round } from '../clients/drive.ts';
import { CLIENTS } from './load-controller.ts';
import { row, type Row } from '../measurement.ts';

/** What rounds of load say, as rows. */
export function rowsOf(what: string, rounds: readonly Round[]): Row[] {
  const each = (read: (round: Round) => number) => rounds.map(read);
  return [
    row(
      what,
      'a second',
      each(({ perSecond }) => perSecond),
    ),
    row(
      '  latency, median',
      'ms',
      each(({ latency }) => latency.median),
    ),
    row(
      '  latency, 99 %',
      'ms',
      each(({ latency }) => latency.p99),
    ),
    row(
      '  processor time of the server for one',
      'ms',
      each(({ server }) => server.milliseconds),
    ),
    row(
      '  cores kept busy by the server',
      'cores',
      each(({ server }) => server.cores),
    ),
    row(
      '  cores kept busy by the clients',
      'cores',
      each(({ clientCores }) => clientCores),
    ),
  ];
}

const WARM_UP_PER_SECOND = 1500;

/** How many keys a client makes before a round; `warm` is a round of its kind that was measured before. */
export function requestsFor(milliseconds: number, warm?: Round): number {
  const perSecond = warm === undefined ? WARM_UP_PER_SECOND : (3 * warm.perSecond) / CLIENTS;
  return Math.ceil((perSecond * milliseconds) / 1000);
}

/** A remark when the clients were at work on keys while they should have been asking. */
export function remarkOnLate(rounds: readonly Round[]): string[] {
  const late = rounds.reduce((sum, round) => sum + round.late, 0);
  return late === 0 ? [] : [`The clients made ${late} keys late: the rates are a little too low.`];
}
