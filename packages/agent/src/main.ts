#!/usr/bin/env node
import { askHidden } from '@torchpass/core';
import { readLine } from './cli/read-line.ts';
import { runCli } from './cli/run-cli.ts';
import { credentialsDirectory } from './config/join-token.ts';
import { createAgent } from './context.ts';

const TERMINAL = { input: process.stdin, output: process.stderr };

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

process.exitCode = await runCli(process.argv.slice(2), {
  createAgent,
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  readInput: (limit) =>
    process.stdin.isTTY
      ? askHidden('Paste the join token (it is not shown) and press Enter: ', TERMINAL, stop.signal)
      : readLine(process.stdin.setEncoding('utf8'), limit, stop.signal),
  credentialsDirectory: credentialsDirectory(),
  signal: stop.signal,
});
// Standard input may still be open, and would keep the process alive.
process.exit();
