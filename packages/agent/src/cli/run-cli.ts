import { CommanderError } from 'commander';
import { exitCodeOf, reasonOf, toTorchpassError } from '@torchpass/core';
import { refuseTokenArgument } from '../config/join-token.ts';
import type { Io } from './io.ts';
import { createProgram } from './program.ts';

/** Runs one command line and gives its exit code. Never throws. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  try {
    refuseTokenArgument(args);
    await createProgram(io, (code) => {
      exitCode = code;
    }).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said what was wrong already; for help and version there is nothing wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (io.signal.aborted) {
      io.err('torchpass-agent: Interrupted. Nothing is half-written; run it again to go on.');
      return 1;
    }
    const known = toTorchpassError(error);
    io.err(`torchpass-agent: ${known.sentence}`);
    if (args.some((arg) => /^(?:--log\.level=)?debug$/.test(arg))) io.err(detailsOf(known));
    return exitCodeOf(known);
  }
}

/** The causes, for who asked for them. An unknown error shows where it came from. */
function detailsOf(error: Error): string {
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < 5;) {
    causes.push(cause instanceof Error ? (cause.stack ?? cause.message) : reasonOf(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes.map((cause) => `  because: ${cause}`).join('\n');
}
