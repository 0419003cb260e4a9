/**
 * A client process: reads its job from standard input, prepares, prints "ready", waits for SIGUSR2, keeps its lanes busy for
 * the job's time, and prints the outcome as one line of JSON.
 */
import process from 'node:process';
import { text } from 'node:stream/consumers';
import type { Job, Outcome } from './jobs.ts';
import { prepare } from './operations.ts';
import { supply } from './requests.ts';

const job = JSON.parse(await text(process.stdin)) as Job;
const requests = supply(job.requests);
const operation = await prepare(job, requests);

const go = Promise.withResolvers<void>();
const awake = setInterval(() => undefined, 60_000);
process.once('SIGUSR2', () => go.resolve());
process.stdout.write('ready\n');
await go.promise;
clearInterval(awake);

const outcome: Outcome = { latencies: [], failures: 0, failure: undefined, late: 0, processorSeconds: 0 };
const before = process.cpuUsage();
const end = performance.now() + job.milliseconds;
await Promise.all(
  Array.from({ length: job.lanes }, async (_, lane) => {
    while (performance.now() < end) {
      const begun = performance.now();
      try {
        await operation(lane);
        outcome.latencies.push(Math.round((performance.now() - begun) * 100) / 100);
      } catch (error) {
        outcome.failures += 1;
        outcome.failure ??= error instanceof Error ? error.message : String(error);
      }
    }
  }),
);
const { user, system } = process.cpuUsage(before);
outcome.processorSeconds = (user + system) / 1e6;
outcome.late = requests.late;
process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit());
