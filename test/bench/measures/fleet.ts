import { startLabController } from '../../harness/controller.ts';
import { get } from '../../harness/http.ts';
import { fillDatabase, moveOneTarget } from '../fleet-database.ts';
import { processorSeconds, residentMiB } from '../machine.ts';
import { row, type Bench, type Measurement, type Row } from '../measurement.ts';

const HOSTS = 10_000;

export const fleet: Measurement = {
  name: 'fleet',
  does: `A controller with ${HOSTS} hosts, each with a published exporter and two certificates: its memory, and the time of what goes through all of them.`,
  seconds: 30,
  run,
};

async function run({ scope, turns }: Bench): Promise<Row[]> {
  const controller = await startLabController(scope, { targets: { publish_interval: '0s', check_in_interval: '5m' } });
  const { pid: emptyPid } = controller.process;
  const empty = await residentMiB(emptyPid);
  await controller.process.stop();
  await fillDatabase(controller.configFile, HOSTS);
  const started = performance.now();
  await controller.start();
  const startSeconds = (performance.now() - started) / 1000;
  const { pid } = controller.process;
  const fresh = await residentMiB(pid);

  /** Wall-clock and processor time of the controller, several times. */
  const measure = async (work: () => Promise<unknown>, before: () => Promise<unknown> = async () => undefined) => {
    const [wall, busy]: [number[], number[]] = [[], []];
    for (const _ of turns(5)) {
      await before();
      const [begun, cpu] = [performance.now(), await processorSeconds(pid)];
      await work();
      wall.push((performance.now() - begun) / 1000);
      busy.push((await processorSeconds(pid)) - cpu);
    }
    return { wall, busy };
  };
  const publish = await measure(
    () => controller.operator('target', 'publish'),
    () => moveOneTarget(controller.configFile),
  );
  const afterPublish = await residentMiB(pid);
  const list = await measure(() => controller.operator('host', 'list', '--output', 'json'));
  const afterList = await residentMiB(pid);
  const scrape = await measure(() => get(`${controller.operations}/metrics`));
  const afterScrape = await residentMiB(pid);
  const command = await measure(() => controller.operator('token', 'list'));

  return [
    row('memory with no host', 'MiB', [empty.now]),
    row(`start until ready with ${HOSTS} hosts`, 's', [startSeconds]),
    row('memory after the start', 'MiB', [fresh.now]),
    row('memory after the publications', 'MiB', [afterPublish.now]),
    row('memory after "host list"', 'MiB', [afterList.now]),
    row('memory after scrapes of its metrics', 'MiB', [afterScrape.now]),
    row('most memory', 'MiB', [afterScrape.most]),
    row('"torchpass target publish", one target moved', 's', publish.wall),
    row('  processor time of the controller', 's', publish.busy),
    row('"torchpass host list --output json"', 's', list.wall),
    row('  processor time of the controller', 's', list.busy),
    row('a scrape of its metrics', 's', scrape.wall),
    row('"torchpass token list", for comparison', 's', command.wall),
  ];
}
