import type { Round } from '../clients/drive.ts';
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
