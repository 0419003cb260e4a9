import { binariesOf, SUITES } from './suites.ts';
import { sweepWorkspaces } from './workspace.ts';

/** Before the first integration test: every suite's programs are in the cache, so that no test waits for the network. */
export default async function setup(): Promise<void> {
  await sweepWorkspaces();
  for (const suite of SUITES) await binariesOf(suite, (sentence) => void process.stderr.write(`${sentence}\n`));
}
