import { startCfssl } from '../cfssl.ts';
import { drive, type Round } from '../clients/drive.ts';
import type { Job } from '../clients/jobs.ts';
import { median, row, type Bench, type Measurement, type Row } from '../measurement.ts';
import { CLIENTS, LANES, startLoadController } from './load-controller.ts';
import { rowsOf } from './rounds.ts';

/** Keys for so many operations a second are made beforehand, in each client process. cfssl takes the same ones again. */
const MOST_PER_SECOND = 2000;
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
  const ours = () => {
    const requests = (MOST_PER_SECOND * milliseconds) / 1000;
    return drive(scope, controller.process.pid, jobs('renew-kept', milliseconds, requests));
  };
  const theirs = ({ pid, url }: { pid: number; url: string }) => {
    const job = (): Job => ({ kind: 'cfssl', url, lanes: LANES, milliseconds, requests: REQUESTS_FOR_CFSSL });
    return drive(scope, pid, Array.from({ length: CLIENTS }, job));
  };
  await ours();
  await theirs(plain);
  const rounds = { ours: [] as Round[], plain: [] as Round[], durable: [] as Round[] };
  for (const _ of turns(3)) {
    rounds.ours.push(await ours());
    rounds.plain.push(await theirs(plain));
    rounds.durable.push(await theirs(durable));
  }
  const ratio = (others: readonly Round[]) =>
    rounds.ours.map(({ perSecond }, turn) => perSecond / (others[turn]?.perSecond ?? Number.NaN));
  say(`cfssl is ${plain.version}. Each ratio is of two rounds that followed each other.`);
  say(`Torchpass makes ${(100 * median(ratio(rounds.plain))).toFixed(0)} % of the rate of cfssl without a database.`);
  return [
    ...rowsOf('Torchpass', rounds.ours),
    ...rowsOf('cfssl without a database', rounds.plain),
    ...rowsOf('cfssl with its table in SQLite', rounds.durable),
    row('Torchpass to cfssl without a database', 'times', ratio(rounds.plain)),
    row('Torchpass to cfssl with its table', 'times', ratio(rounds.durable)),
  ];
}
