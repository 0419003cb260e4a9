import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { exitCodeOf, isTorchpassError, reasonOf } from '@torchpass/core';
import { createScope, endOnSignals, type Scope } from '../harness/scope.ts';
import { sweepWorkspaces } from '../harness/workspace.ts';
import { describeMachine } from './machine.ts';
import { countTurns, type Measurement, type Row } from './measurement.ts';
import { agent } from './measures/agent.ts';
import { fleet } from './measures/fleet.ts';
import { join } from './measures/join.ts';
import { durable } from './measures/durable.ts';
import { pki } from './measures/pki.ts';
import { signatures } from './measures/signatures.ts';
import { readOptions, usage } from './options.ts';
import { table } from './table.ts';

const MEASUREMENTS: readonly Measurement[] = [pki, signatures, durable, join, agent, fleet];
const NAMES = MEASUREMENTS.map(({ name }) => name);

const say = (text: string) => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), NAMES);
  if (options.help) return say(usage(NAMES));
  const scope = createScope();
  endOnSignals(scope);
  try {
    await measure(options, scope);
  } finally {
    await scope.end();
  }
}

async function measure({ only, quick, output }: ReturnType<typeof readOptions>, whole: Scope): Promise<void> {
  await sweepWorkspaces();
  const machine = await describeMachine();
  const started = new Date();
  say(`${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}, Node.js ${machine.node}`);
  if (machine.load > 0.5) say(`Others are at work here (load ${machine.load.toFixed(1)}): figures will be too low.`);
  if (!machine.disk) say('Temporary files are in memory: "durable" means nothing here. Set TMPDIR to a disk.');
  const results: { name: string; does: string; seconds: number; rows: Row[]; remarks: string[] }[] = [];
  for (const { name, does, seconds: most, run } of MEASUREMENTS) {
    if (only.length > 0 && !only.includes(name)) continue;
    say(`\n${name}: ${does}`);
    const begun = performance.now();
    const remarks: string[] = [];
    const scope = createScope();
    whole.defer(() => scope.end());
    const told = (sentence: string) => {
      remarks.push(sentence);
      say(`  ${sentence}`);
    };
    const rows = await run({
      scope,
      quick,
      say: told,
      turns: (count) => countTurns(quick ? Math.min(2, count) : count, most, begun),
    });
    await scope.end();
    const seconds = (performance.now() - begun) / 1000;
    say(`${table(rows)}  (${seconds.toFixed(0)} s)`);
    results.push({ name, does, seconds, rows, remarks });
  }
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, `${JSON.stringify({ started, quick, machine, results }, undefined, 2)}\n`);
  say(`\nWritten to ${output}`);
}

try {
  await main();
} catch (error) {
  const known = isTorchpassError(error);
  process.stderr.write(`bench: ${known ? error.sentence : reasonOf(error)}\n`);
  process.exitCode = known ? exitCodeOf(error) : 1;
}
