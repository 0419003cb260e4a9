import { fileURLToPath } from 'node:url';
import { start } from '../../harness/processes.ts';
import { createScope, type Scope } from '../../harness/scope.ts';
import { processorSeconds } from '../machine.ts';
import { quantile } from '../measurement.ts';
import type { Job, Outcome } from './jobs.ts';

const CLIENT = fileURLToPath(new URL('client.ts', import.meta.url));
const PATIENCE_MS = 60_000;

/** One round of load. */
export interface Round {
  perSecond: number;
  /** Milliseconds. */
  latency: { median: number; p99: number };
  /** Processor time of the server for one operation, in milliseconds, and how many cores it kept busy. */
  server: { milliseconds: number; cores: number };
  /** How many cores all clients together kept busy. */
  clientCores: number;
  /** Keys that the clients had to make while they were measured: too few were made beforehand. */
  late: number;
}

/** Starts the client processes, lets them go at once when all are ready, and adds up. Throws when an operation failed. */
export async function drive(parent: Scope, serverPid: number, jobs: readonly Job[]): Promise<Round> {
  const scope = createScope();
  parent.defer(() => scope.end());
  const clients = jobs.map((job) => start(scope, process.execPath, [CLIENT], { input: JSON.stringify(job) }));
  await Promise.all(clients.map((client) => client.waitFor(/^ready$/m, { withinMs: PATIENCE_MS })));

  const before = await processorSeconds(serverPid);
  const begun = performance.now();
  for (const client of clients) client.kill('SIGUSR2');
  await Promise.all(clients.map((client) => client.waitFor(/^\{.*\}$/m, { withinMs: PATIENCE_MS, everyMs: 10 })));
  const seconds = (performance.now() - begun) / 1000;
  const busy = (await processorSeconds(serverPid)) - before;

  const outcomes = clients.map(({ stdout }) => JSON.parse(stdout.slice(stdout.indexOf('{'))) as Outcome);
  await scope.end();
  const failed = outcomes.find(({ failures }) => failures > 0);
  if (failed !== undefined) throw new Error(`${failed.failures} operations failed; the first: ${failed.failure}`);
  const latencies = outcomes.flatMap((outcome) => outcome.latencies);
  return {
    perSecond: latencies.length / seconds,
    latency: { median: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) },
    server: { milliseconds: (busy * 1000) / latencies.length, cores: busy / seconds },
    clientCores: outcomes.reduce((sum, outcome) => sum + outcome.processorSeconds, 0) / seconds,
    late: outcomes.reduce((sum, { late }) => sum + late, 0),
  };
}
