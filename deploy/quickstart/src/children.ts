import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TorchpassError } from '@torchpass/core';

const PATIENCE_BEFORE_KILL_MS = 10_000;
const SHOWN_LOG_LINES = 12;

/** The programs that run beside us. Each writes to a log file and ends, at the latest, with us. */
export class Children {
  readonly #folder: string;
  readonly #running: { name: string; child: ChildProcess }[] = [];
  #stopping = false;
  #onLoss: (error: TorchpassError) => void = () => undefined;

  /** Rejects when a program ends that should go on. */
  readonly loss: Promise<never>;

  /** `folder` is where the log files go; it has to exist. */
  constructor(folder: string) {
    this.#folder = folder;
    this.loss = new Promise<never>((_resolve, reject) => {
      this.#onLoss = reject;
    });
    this.loss.catch(() => undefined);
  }

  /** Starts a program that goes on until `stop`. In a process group of its own: Ctrl-C reaches us alone, and we end it in order. */
  start(name: string, command: string, args: readonly string[]): void {
    const child = this.#spawn(name, command, args);
    this.#running.push({ name, child });
    const lost = (how: string) => {
      if (!this.#stopping) void this.#failure(name, how).then(this.#onLoss);
    };
    child.once('error', (error) => lost(error.message));
    child.once('exit', (code, signal) => lost(`ended with ${signal ?? `exit status ${code}`}`));
  }

  /** Runs a program to its end and gives its standard output. */
  async run(
    name: string,
    command: string,
    args: readonly string[],
    onLine: (line: string) => void = () => undefined,
  ): Promise<string> {
    const child = this.#spawn(name, command, args, 'pipe');
    const entry = { name, child };
    this.#running.push(entry);
    let output = '';
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(onLine);
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    this.#running.splice(this.#running.indexOf(entry), 1);
    if (code === 0) return output;
    throw await this.#failure(name, `ended with ${signal ?? `exit status ${code}`}`);
  }

  /** Ends all, the last started first. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { child } of this.#running.splice(0).toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), PATIENCE_BEFORE_KILL_MS);
      await gone;
      clearTimeout(force);
    }
  }

  #spawn(name: string, command: string, args: readonly string[], stdout?: 'pipe'): ChildProcess {
    const log = openSync(this.#logOf(name), 'a', 0o600);
    try {
      return spawn(command, args, { stdio: ['ignore', stdout ?? log, log], detached: true });
    } finally {
      closeSync(log);
    }
  }

  #logOf(name: string): string {
    return join(this.#folder, `${name}.log`);
  }

  async #failure(name: string, how: string): Promise<TorchpassError> {
    const log = await readFile(this.#logOf(name), 'utf8').catch(() => '');
    const tail = log.trimEnd().split('\n').slice(-SHOWN_LOG_LINES).join('\n');
    return new TorchpassError('INTERNAL', `${name} ${how}. Its log ends:\n${tail}\n`, {
      hint: `All of it is in ${this.#logOf(name)}`,
    });
  }
}
