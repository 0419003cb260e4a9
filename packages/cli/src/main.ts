#!/usr/bin/env node
import { nodeFiles, systemClock, systemCodeOf } from '@torchpass/core';
import { runProgram } from './program.ts';

// Whoever reads us may stop early, as head does.
process.stdout.on('error', (error) => {
  if (systemCodeOf(error) !== 'EPIPE') throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), {
  environment: process.env,
  input: process.stdin,
  output: process.stdout,
  errors: process.stderr,
  clock: systemClock,
  files: nodeFiles(),
  folder: process.cwd(),
});
