import { unpackGnuTls } from './gnutls.ts';
import { unpackSoftHsm } from './softhsm.ts';
import { binariesOf, SUITES } from './suites.ts';
import { sweepWorkspaces } from './workspace.ts';

/** Before the first integration test: every suite's programs are in the cache, so that no test waits for the network. */
export default async function setup(): Promise<void> {
  await sweepWorkspaces();
  const report = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  for (const suite of SUITES) await binariesOf(suite, report);
  await unpackSoftHsm(report);
  await unpackGnuTls(report);
}
