import { drive, type Round } from '../clients/drive.ts';
import type { Bench, Measurement, Row } from '../measurement.ts';
import { fsyncRows } from './fsync.ts';
import { CLIENTS, LANES, startLoadController } from './load-controller.ts';
import { rowsOf } from './rounds.ts';

/** Keys for so many operations a second are made beforehand, in each client process. */
const MOST_PER_SECOND = 1500;

export const durable: Measurement = {
  name: 'durable',
  does: `Enrolments and renewals, each over a TLS connection of its own and on disk before it is answered (SQLite, synchronous=FULL); ${CLIENTS} client processes, ${LANES} connections at once in each.`,
  seconds: 60,
  run,
};

async function run({ scope, quick, say, turns }: Bench): Promise<Row[]> {
  const milliseconds = quick ? 1000 : 4000;
  const { controller, jobs } = await startLoadController(scope);
  const round = (kind: 'enrol' | 'renew-new') => {
    const requests = (MOST_PER_SECOND * milliseconds) / 1000;
    return drive(scope, controller.process.pid, jobs(kind, milliseconds, requests));
  };
  const disk = await fsyncRows(scope);
  // Fresh code is slow code: nobody restarts a controller for each host.
  await round('enrol');
  await round('renew-new');
  const [enrolments, renewals]: [Round[], Round[]] = [[], []];
  for (const _ of turns(3)) {
    enrolments.push(await round('enrol'));
    renewals.push(await round('renew-new'));
  }
  say(
    'An enrolment has no client certificate yet; its two commits are two waits for the disk. A renewal is mutual TLS.',
  );
  return [...disk, ...rowsOf('durable enrolments', enrolments), ...rowsOf('durable renewals', renewals)];
}
