import { spawn } from 'node:child_process';
import { reasonOf, TorchpassError } from '@torchpass/core';

export interface RunOptions {
  cwd?: string;
  /** Added to the environment. */
  env?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** How long it may take, in milliseconds; for ever unless given. */
  patience?: number;
}

/**
 * Runs a program to its end and returns what it wrote, both streams together.
 * DOWNLOAD_FAILED with the last complaint when it cannot be started or does not exit with 0; the signal's reason when aborted.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { cwd, env = {}, signal, patience } = options;
  signal?.throwIfAborted();
  // Not spawn's own timeout: its timer outlives the child and keeps us waiting.
  const ends = [signal, patience === undefined ? undefined : AbortSignal.timeout(patience)];
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    signal: AbortSignal.any(ends.filter((end) => end !== undefined)),
    env: { ...process.env, LC_ALL: 'C', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const outcome = await new Promise<Error | number | NodeJS.Signals>((resolve) => {
    // An abort is an error too; its process is waited for, since it still writes where the caller cleans up.
    child.on('error', (error) => child.pid === undefined && resolve(error));
    child.on('close', (code, killedBy) => resolve(code ?? killedBy ?? 1));
  });
  signal?.throwIfAborted();
  if (outcome === 0) return output;
  const reason = outcome instanceof Error ? reasonOf(outcome) : (complaint(output) ?? `it ended with ${outcome}`);
  throw new TorchpassError('DOWNLOAD_FAILED', `${command} failed: ${reason}`, { cause: output });
}

/** The first line that looks like an error (the last ones only sum up), else the last line. */
function complaint(output: string): string | undefined {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.find((line) => /^(?:E|error|fatal)\b|: error/i.test(line)) ?? lines.at(-1);
  return line?.replace(/^[EW]: /, '');
}
