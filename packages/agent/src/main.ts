#!/usr/bin/env node
import { runCli } from './cli/run-cli.ts';
import { credentialsDirectory } from './config/join-token.ts';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

async function readInput(limit: number): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length >= limit) break;
  }
  return text.slice(0, limit);
}

process.exitCode = await runCli(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  readInput,
  credentialsDirectory: credentialsDirectory(),
  signal: stop.signal,
});
// Standard input may still be open, and would keep the process alive.
process.exit();
