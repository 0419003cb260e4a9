import { startCfssl } from '../cfssl.ts';
import { drive, type Round } from '../clients/drive.ts';
import type { Job } from '../clients/jobs.ts';
import { median, row, type Bench, type Measurement, type Row } from '../measurement.ts';
import { CLIENTS, LANES, startLoadController } from './load-controller.ts';
import { remarkOnLate, requestsFor, rowsOf } from './rounds.ts';

const WARM_UP_MS = 2000;
/** cfssl takes the same ones again and again. */
const REQUESTS_FOR_CFSSL = 1000;

export const signatures: Measurement = {
  name: 'signatures',
  does: `Certificates over connections that are kept, ours beside cfssl of Debian in turns; ${CLIENTS} client processes, ${LANES} connections in each. Ours: mutual TLS, gRPC, two durable commits, lint. cfssl: plain HTTP, no database; then with its own table in SQLite.`,
  seconds: 75,
  run,
};

async function run({ scope, quick, say, turns }: Bench): Promise<Row[]> {
  const milliseconds = quick ? 1000 : 4000;
  const { controller, jobs } = await startLoadController(scope);
  const plain = await startCfssl(scope, { database: false, report: say });
  const durable = await startCfssl(scope, { database: true, report: say });
  const ours = async (warm?: Round) => {
    const time = warm === undefined ? WARM_UP_MS : milliseconds;
    return drive(scope, controller.process.pid, await jobs('renew-kept', time, requestsFor(time, warm)));
  };
  const theirs = ({ pid, url }: { pid: number; url: string }) => {
    const job = (): Job => ({ kind: 'cfssl', url, lanes: LANES, milliseconds, requests: REQUESTS_FOR_CFSSL });
    return drive(scope, pid, Array.from({ length: CLIENTS }, job));
  };
  const warm = await ours();
  await theirs(plain);
  const rounds = { ours: [] as Round[], plain: [] as Round[], durable: [] as Round[] };
  for (const _ of turns(3)) {
    rounds.ours.push(await ours(warm));
    rounds.plain.push(await theirs(plain));
    rounds.durable.push(await theirs(durable));
  }
  const ratio = (others: readonly Round[], of = ({ perSecond }: Round) => perSecond) =>
    rounds.ours.map((own, turn) => {
      const other = others[turn];
      return other === undefined ? Number.NaN : of(own) / of(other);
    });
  // Nearly the same on a machine that others use too.
  const byProcessor = ({ server }: Round) => 1 / server.milliseconds;
  say(`cfssl is ${plain.version}. Each ratio is of two rounds that followed each other.`);
  say(`Torchpass makes ${(100 * median(ratio(rounds.plain))).toFixed(0)} % of the rate of cfssl without a database.`);
  for (const remark of remarkOnLate(rounds.ours)) say(remark);
  return [
    ...rowsOf('Torchpass', rounds.ours),
    ...rowsOf('cfssl without a database', rounds.plain),
    ...rowsOf('cfssl with its table in SQLite', rounds.durable),
    row('Torchpass to cfssl without a database', 'times', ratio(rounds.plain)),
    row('Torchpass to cfssl with its table', 'times', ratio(rounds.durable)),
    row('the same, for a second of processor time: without', 'times', ratio(rounds.plain, byProcessor)),
    row('the same, for a second of processor time: with', 'times', ratio(rounds.durable, byProcessor)),
  ];
}
