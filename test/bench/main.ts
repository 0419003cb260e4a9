import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { exitCodeOf, isTorchpassError, reasonOf } from '@torchpass/core';
import { createScope, endOnSignals, type Scope } from '../harness/scope.ts';
import { sweepWorkspaces } from '../harness/workspace.ts';
import { document, machineLine, type Result } from './document.ts';
import { describeMachine } from './machine.ts';
import { countTurns, type Measurement } from './measurement.ts';
import { agent } from './measures/agent.ts';
import { fleet } from './measures/fleet.ts';
import { join } from './measures/join.ts';
import { durable } from './measures/durable.ts';
import { pki } from './measures/pki.ts';
import { signatures } from './measures/signatures.ts';
import { readOptions, usage, type Options } from './options.ts';
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

async function measure({ only, quick, document: documented, output }: Options, whole: Scope): Promise<void> {
  await sweepWorkspaces();
  const machine = await describeMachine();
  const started = new Date();
  say(machineLine(machine));
  if (machine.load > 0.5) say(`Others are at work here (load ${machine.load.toFixed(1)}): figures will be too low.`);
  if (!machine.disk) say('Temporary files are in memory: "durable" means nothing here. Set TMPDIR to a disk.');
  const results: Result[] = [];
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
  if (documented) await document(machine, results);
  say(`\nWritten to ${output}`);
}

try {
  await main();
} catch (error) {
  const known = isTorchpassError(error);
  process.stderr.write(`bench: ${known ? error.sentence : reasonOf(error)}\n`);
  process.exitCode = known ? exitCodeOf(error) : 1;
}
