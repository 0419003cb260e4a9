import process from 'node:process';
import { exitCodeOf, isTorchpassError, reasonOf } from '@torchpass/core';
import { createScope, endOnSignals } from '../harness/scope.ts';
import { binariesOf } from '../harness/suites.ts';
import { sweepWorkspaces } from '../harness/workspace.ts';
import { demonstrate } from './demonstration.ts';

/** Rotates every authority under load, and prints what happens. `npm run test:rotation [EXPORTERS [AGENTS]]`. */
const [exporters = 20, agents = 1000] = process.argv.slice(2).map(Number);
const say = (line: string) => void process.stdout.write(`${line}\n`);

const scope = createScope();
endOnSignals(scope);
try {
  await sweepWorkspaces();
  const binaries = await binariesOf('trixie', say);
  // A fleet checks in every five minutes; here it is faster, but not more than the two cores of a small machine can do.
  const everyMs = Math.max(5000, agents * 30);
  const size = { exporters, agents, checkInInterval: `${Math.ceil(everyMs / 2000)}s`, everyMs, withinMs: 1_200_000 };
  const figures = await demonstrate(scope, binaries, size, say);
  say(JSON.stringify(figures, undefined, 2));
  if (figures.failedScrapes + figures.lostHosts > 0) process.exitCode = 1;
} catch (error) {
  const known = isTorchpassError(error);
  process.stderr.write(`rotation: ${known ? error.sentence : reasonOf(error)}\n`);
  process.exitCode = known ? exitCodeOf(error) : 1;
} finally {
  await scope.end();
}
