import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { eventually, GiveUp, type Patience } from './eventually.ts';
import type { Scope } from './scope.ts';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Running {
  readonly pid: number;
  /** Both streams as they came. */
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined while it runs. */
  readonly exit: Exit | undefined;
  readonly exited: Promise<Exit>;
  /** Sends a signal to this process alone. */
  kill(signal: NodeJS.Signals): void;
  /** The first match in the output from `from` (a length of `output`) on. Fails at once, with the output, when the process ends without it. */
  waitFor(pattern: RegExp, patience: Patience & { from?: number }): Promise<RegExpExecArray>;
  /** SIGTERM, after ten seconds SIGKILL; waits for the end. Safe to call twice. */
  stop(): Promise<Exit>;
}

export interface StartOptions {
  cwd?: string;
  /** Added to the environment; undefined removes. */
  env?: Record<string, string | undefined>;
  /** Written to standard input, which is closed after it. */
  input?: string;
}

const PATIENCE_BEFORE_KILL_MS = 10_000;

/**
 * Starts a program that ends with the scope at the latest. The kernel kills it when this process dies without
 * ending its scopes, as on a second Ctrl-C.
 */
export function start(scope: Scope, command: string, args: readonly string[], options: StartOptions = {}): Running {
  const { cwd, env = {}, input } = options;
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: 'pipe',
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('cannot start setpriv (package util-linux)');
  child.stdin.on('error', () => undefined).end(input ?? '');

  const text = { output: '', stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk;
      text.output += chunk;
    });
  }
  let exit: Exit | undefined;
  const exited = once(child, 'close').then(() => (exit = { code: child.exitCode, signal: child.signalCode }));

  const running: Running = {
    pid,
    get output() {
      return text.output;
    },
    get stdout() {
      return text.stdout;
    },
    get stderr() {
      return text.stderr;
    },
    get exit() {
      return exit;
    },
    exited,
    kill: (signal) => void child.kill(signal),
    waitFor: (pattern, { from = 0, ...patience }) =>
      eventually(() => {
        const match = pattern.exec(text.output.slice(from));
        if (match !== null) return match;
        const state = exit === undefined ? 'is not in' : `never came; it ended with ${exit.code ?? exit.signal}:`;
        const message = `${pattern} ${state} the output of ${command}\n${text.output.slice(-4000)}`;
        throw exit === undefined ? new Error(message) : new GiveUp(message);
      }, patience),
    async stop() {
      if (exit !== undefined) return exit;
      child.kill('SIGTERM');
      const last = setTimeout(() => child.kill('SIGKILL'), PATIENCE_BEFORE_KILL_MS);
      return exited.finally(() => clearTimeout(last));
    },
  };
  scope.defer(async () => void (await running.stop()));
  return running;
}

/** Runs a program to its end; fails with its output when it takes longer than `withinMs` (60 s unless given). */
export async function runToEnd(
  scope: Scope,
  command: string,
  args: readonly string[],
  { withinMs = 60_000, ...options }: StartOptions & { withinMs?: number } = {},
): Promise<Running & { exit: Exit }> {
  const running = start(scope, command, args, options);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    running.kill('SIGKILL');
  }, withinMs);
  await running.exited.finally(() => clearTimeout(timer));
  if (late)
    throw new Error(`${command} ${args.join(' ')} did not end within ${withinMs} ms\n${running.output.slice(-4000)}`);
  return running as Running & { exit: Exit };
}
