import { PassThrough } from 'node:stream';
import { nodeFiles } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { runProgram, type ExitCode } from '../program.ts';
import { fakeApi, type FakeAnswer } from './fake-api.ts';

export interface Ran {
  exitCode: ExitCode;
  output: string;
  errors: string;
  requests: unknown[][];
  operators: unknown[];
}

export interface Surroundings {
  /** Whether input, output and errors are a terminal. */
  terminal?: boolean;
  /** Whether the input comes through a pipe all the same. */
  piped?: boolean;
  /** What is typed or piped in. */
  input?: string | Buffer;
  environment?: Record<string, string>;
  folder?: string;
}

/** Runs a command line against a fake API with one answer. It is 2026-01-01, midnight. */
export async function run(
  argv: readonly string[],
  answer: FakeAnswer | 'hang-up' = { body: {} },
  surroundings: Surroundings = {},
): Promise<Ran> {
  const api = await fakeApi(answer);
  try {
    const ran = await runAlone(argv, {
      ...surroundings,
      environment: { TORCHPASS_SOCKET: api.socket, ...surroundings.environment },
    });
    return { ...ran, requests: api.requests, operators: api.operators };
  } finally {
    await api.close();
  }
}

/** The same without an API. */
export async function runAlone(
  argv: readonly string[],
  { terminal = false, piped = false, input = '', environment = {}, folder = '/' }: Surroundings = {},
): Promise<Omit<Ran, 'requests' | 'operators'>> {
  const stream = (isTTY = terminal) => Object.assign(new PassThrough(), { isTTY });
  const [stdin, stdout, stderr] = [stream(terminal && !piped), stream(), stream()];
  stdin.end(input);
  const exitCode = await runProgram(argv, {
    environment,
    input: stdin,
    output: stdout,
    errors: stderr,
    clock: new ManualClock(),
    files: nodeFiles(),
    folder,
  });
  const written = (stream: PassThrough) => String(stream.read() ?? '');
  return { exitCode, output: written(stdout), errors: written(stderr) };
}
