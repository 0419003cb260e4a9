import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startLabController } from '../../harness/controller.ts';
import { joinHost } from '../../harness/host.ts';
import { runToEnd } from '../../harness/processes.ts';
import { binariesOf } from '../../harness/suites.ts';
import { workspace } from '../../harness/workspace.ts';
import { row, type Bench, type Measurement, type Row } from '../measurement.ts';
import type { Usage } from '../usage.ts';

const PRELOAD = new URL('../usage.ts', import.meta.url).href;
const AGENT = fileURLToPath(new URL('../../../packages/agent/src/main.ts', import.meta.url));

export const agent: Measurement = {
  name: 'agent',
  does: 'What one "torchpass-agent sync" with nothing to do costs a server; beside it, what Node.js costs that does nothing, and the agent that only says its version.',
  seconds: 35,
  run,
};

async function run({ scope, say, turns }: Bench): Promise<Row[]> {
  const binaries = await binariesOf('trixie', say);
  const controller = await startLabController(scope);
  const { agent: host } = await joinHost(scope, binaries, { controller, name: 'idle' });
  const file = join(await workspace(scope), 'usage.json');
  const sync = [AGENT, 'sync', `--config.file=${host.configFile}`];
  const compiled = { NODE_COMPILE_CACHE: await workspace(scope) };
  const programs: { what: string; args: string[]; env?: Record<string, string> }[] = [
    { what: 'Node.js alone', args: ['--eval', ''] },
    { what: 'torchpass-agent --version', args: [AGENT, '--version'] },
    { what: 'torchpass-agent sync, nothing to do', args: sync },
    { what: 'the same, with a compile cache of Node.js', args: sync, env: compiled },
  ];
  const use = async ({ what, args, env }: (typeof programs)[number]): Promise<Usage> => {
    const { exit, output } = await runToEnd(scope, process.execPath, ['--import', PRELOAD, ...args], {
      env: { NODE_COMPILE_CACHE: undefined, ...env, TORCHPASS_BENCH_USAGE: file },
    });
    if (exit.code !== 0) throw new Error(`${what} ended with ${exit.code}:\n${output}`);
    return JSON.parse(await readFile(file, 'utf8')) as Usage;
  };
  // Fills the page cache and the compile cache.
  for (const program of programs) await use(program);
  const usages = new Map<string, Usage[]>();
  for (const _ of turns(10)) {
    for (const program of programs) {
      usages.set(program.what, [...(usages.get(program.what) ?? []), await use(program)]);
    }
  }
  say('From the sources: Node.js strips their types at each start, which a bundle does not have to.');
  return [...usages].flatMap(([what, each]) => [
    row(
      `${what}: most memory`,
      'MiB',
      each.map(({ mostResidentMiB }) => mostResidentMiB),
    ),
    row(
      `${what}: processor time`,
      'ms',
      each.map(({ processorMs }) => processorMs),
    ),
    row(
      `${what}: from start to end`,
      'ms',
      each.map(({ wallMs }) => wallMs),
    ),
  ]);
}
