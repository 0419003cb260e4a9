import { spawn } from 'node:child_process';
import { reasonOf, TorchpassError } from '@torchpass/core';

const LONGEST_RESTART_MS = 60_000;
const MOST_OUTPUT = 2000;

/**
 * Runs the configured command that restarts an exporter: a program and its arguments, no shell. Ends it after a minute.
 *
 * Errors: RESTART_FAILED with how it ended and the last line that it wrote to standard error.
 */
export function restartExporter(name: string, argv: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const fail = (how: string) =>
      reject(
        new TorchpassError('RESTART_FAILED', `Restarting the exporter "${name}" with "${program}" failed: ${how}.`, {
          hint: 'Run the configured restart command by hand to see why.',
        }),
      );
    let output = '';
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: LONGEST_RESTART_MS,
      killSignal: 'SIGKILL',
      ...(signal === undefined ? {} : { signal }),
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MOST_OUTPUT);
    });
    child.on('error', (error) => fail(reasonOf(error)));
    // Not "close": a service that the command has started may keep the pipe for its whole life.
    child.on('exit', (status, killed) => {
      child.stderr.destroy();
      if (status === 0) return resolve();
      const last = output.trim().split('\n').at(-1) ?? '';
      fail(
        `${killed === null ? `it ended with status ${status}` : `it was ended by ${killed}`}${last && `, saying "${last}"`}`,
      );
    });
  });
}
