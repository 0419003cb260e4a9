import { createAgent, loadSettings } from '@torchpass/agent';
import { nodeFiles, Secret } from '@torchpass/core';
import { readFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { createLabAgent } from '../../harness/agent.ts';
import { startLabController, type LabController } from '../../harness/controller.ts';
import { startExporter } from '../../harness/exporter.ts';
import { startPastedPrometheus, type PastedPrometheus } from '../../harness/pasted.ts';
import { freePort } from '../../harness/ports.ts';
import { startProgram } from '../../harness/programs.ts';
import { binariesOf } from '../../harness/suites.ts';
import { median, row, type Bench, type Measurement, type Row } from '../measurement.ts';
import { Milestones } from '../milestones.ts';

const GOAL_MS = 2000;

/** What the agent says when it begins the next thing. */
const SAID = {
  'the agent is up': 'Looking at the controller',
  'the controller proved itself': 'It is the controller',
  'the identity is on disk': 'This host is "',
};
const STAGES = [
  ...Object.keys(SAID),
  "the exporter's certificate is in place",
  'the exporter listens',
  'the target is published',
  'the agent has ended',
];
const SEEN = ['Prometheus has the target', 'Prometheus has scraped it: up'];

export const join: Measurement = {
  name: 'join',
  does: 'A server joins: token, torchpass-agent enroll, a real node_exporter locked, published, found by a real Prometheus (scrapes each second). Times are from the start of the agent, one join at a time. First as a process, then the same agent inside this process, without the start of Node.js.',
  seconds: 95,
  run,
};

interface Lab {
  bench: Bench;
  binaries: Awaited<ReturnType<typeof binariesOf>>;
  controller: LabController;
  prometheus: PastedPrometheus;
}

async function run(bench: Bench): Promise<Row[]> {
  const { scope, say, turns } = bench;
  const binaries = await binariesOf('trixie', say);
  // As it comes, but for loopback: joins within a second are written at once.
  const controller = await startLabController(scope, { targets: {} });
  const prometheus = await startPastedPrometheus(scope, binaries, controller);
  const lab: Lab = { bench, binaries, controller, prometheus };
  const [processes, inside]: [Milestones[], Milestones[]] = [[], []];
  for (const turn of turns(10)) processes.push(await joinOnce(lab, `process-${turn}`, turn + 1, true));
  for (const turn of turns(10)) inside.push(await joinOnce(lab, `inside-${turn}`, turn + 101, false));

  const published = median(processes.map((one) => one.of('the target is published')));
  const verdict = published < GOAL_MS ? 'Met' : 'NOT met';
  say(
    `${verdict}: enroll to published under ${GOAL_MS / 1000} s at the median; it is ${(published / 1000).toFixed(2)} s.`,
  );
  const rows = (what: string, all: Milestones[], stages: readonly string[]) =>
    stages.map((stage) =>
      row(
        `${what}: ${stage}`,
        'ms',
        all.map((one) => one.of(stage)),
      ),
    );
  return [...rows('process', processes, [...STAGES, ...SEEN]), ...rows('inside', inside, STAGES)];
}

async function joinOnce(
  { bench, binaries, controller, prometheus }: Lab,
  name: string,
  last: number,
  asProcess: boolean,
) {
  const { scope } = bench;
  const address = `127.1.0.${last}`;
  const port = await freePort(address);
  const target = `${address}:${port}`;
  const exporter = { address, port, binary: binaries.nodeExporter };
  const agent = await createLabAgent(scope, { controller: controller.address, hostName: name, exporters: [exporter] });
  const token = await controller.createToken('--job', 'node', '--address', address);
  const settings = await loadSettings({ configFile: agent.configFile }, nodeFiles());
  const webConfig = agent.webConfig('node');
  const targets = joinPath(controller.prometheus, 'targets', 'node.json');
  const contains = async (path: string, text: string) => (await readFile(path, 'utf8').catch(() => '')).includes(text);

  const reached = new Milestones();
  const enrol = async () => {
    if (asProcess) {
      const enroll = ['enroll', `--config.file=${agent.configFile}`];
      const running = startProgram(scope, 'torchpass-agent', enroll, { input: `${token}\n` });
      const hear = async (stage: string, sentence: string) => {
        await reached.watch(stage, () => running.exit !== undefined || running.output.includes(sentence));
      };
      await Promise.all(Object.entries(SAID).map(([stage, sentence]) => hear(stage, sentence)));
      if ((await running.exited).code !== 0) throw new Error(running.output);
    } else {
      const say = (said: string) => {
        for (const [stage, sentence] of Object.entries(SAID)) if (said.startsWith(sentence)) reached.mark(stage);
      };
      const report = await createAgent({ settings, say }).enroll(new Secret(token));
      if (!report.complete) throw new Error(report.missing.join(' '));
    }
    reached.mark('the agent has ended');
  };
  const serve = async () => {
    await reached.watch("the exporter's certificate is in place", () => contains(webConfig, 'client_ca_file'));
    await startExporter(scope, binaries, { address, port, args: [`--web.config.file=${webConfig}`] });
    reached.mark('the exporter listens');
  };
  const publish = () => reached.watch('the target is published', () => contains(targets, target));
  await Promise.all([enrol(), serve(), publish()]);
  if (!asProcess) return reached;
  const known = async () => (await prometheus.targets()).find(({ labels }) => labels['instance'] === target);
  await reached.watch('Prometheus has the target', async () => (await known()) !== undefined, 25);
  await reached.watch('Prometheus has scraped it: up', async () => (await known())?.health === 'up', 25);
  return reached;
}
