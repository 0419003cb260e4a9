import { drive, type Round } from '../clients/drive.ts';
import type { Bench, Measurement, Row } from '../measurement.ts';
import { fsyncRows } from './fsync.ts';
import { CLIENTS, LANES, startLoadController, type Work } from './load-controller.ts';
import { remarkOnLate, requestsFor, rowsOf } from './rounds.ts';

const WARM_UP_MS = 1500;

export const durable: Measurement = {
  name: 'durable',
  does: `Enrolments, renewals and check-ins, each over a TLS connection of its own and on disk before it is answered (SQLite, synchronous=FULL); ${CLIENTS} client processes, ${LANES} connections at once in each.`,
  seconds: 70,
  run,
};

/** What is measured, in words. */
const WORKS = { enrol: 'durable enrolments', renew: 'durable renewals', 'check-in': 'check-ins, nothing new' } as const;

async function run({ scope, quick, say, turns }: Bench): Promise<Row[]> {
  const milliseconds = quick ? 1000 : 3000;
  const { controller, jobs } = await startLoadController(scope);
  const round = async (work: Work, warm?: Round) => {
    const time = warm === undefined ? WARM_UP_MS : milliseconds;
    const requests = work === 'check-in' ? 0 : requestsFor(time, warm);
    return drive(scope, controller.process.pid, await jobs(work, time, requests));
  };
  const disk = await fsyncRows(scope);
  const all: { work: keyof typeof WORKS; warm: Round; rounds: Round[] }[] = [];
  // Fresh code is slow code: nobody restarts a controller for each host.
  for (const work of ['enrol', 'renew', 'check-in'] as const) all.push({ work, warm: await round(work), rounds: [] });
  for (const _ of turns(3)) {
    for (const { work, warm, rounds } of all) rounds.push(await round(work, warm));
  }
  say(
    'An enrolment has no client certificate yet; renewals and check-ins are mutual TLS. A check-in is one commit, the others two.',
  );
  for (const remark of remarkOnLate(all.flatMap(({ rounds }) => rounds))) say(remark);
  return [...disk, ...all.flatMap(({ work, rounds }) => rowsOf(WORKS[work], rounds))];
}
