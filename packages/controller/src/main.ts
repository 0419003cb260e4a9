#!/usr/bin/env node
import { exitCodeOf, isTorchpassError, toTorchpassError } from '@torchpass/core';
import { program } from './commands/program.ts';

try {
  await program().parseAsync();
} catch (reason) {
  const error = toTorchpassError(reason);
  process.stderr.write(`torchpass-controller: ${error.sentence}\n`);
  if (!isTorchpassError(reason)) process.stderr.write(`${reason instanceof Error ? reason.stack : String(reason)}\n`);
  process.exitCode = exitCodeOf(error);
}
