import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf, TorchpassError } from '@torchpass/core';

const PATIENCE_BEFORE_KILL_MS = 10_000;
const SHOWN_LOG_LINES = 12;

/** The programs that run beside us. Each writes to a log file and ends, at the latest, with us. */
export class Children {
  readonly #folder: string;
  readonly #wrapper: readonly string[];
  readonly #running: { name: string; child: ChildProcess }[] = [];
  #stopping = false;
  #onLoss: (error: TorchpassError) => void = () => undefined;

  /** Rejects when a program ends that should go on. */
  readonly loss: Promise<never>;

  /** `folder` is where the log files go; it has to exist. `wrapper` is put before each command: see `endsWithUs`. */
  constructor(folder: string, wrapper: readonly string[] = []) {
    this.#folder = folder;
    this.#wrapper = wrapper;
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
    child.once('error', (error) => lost(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => lost(`ended with ${signal ?? `exit status ${code}`}`));
  }

  /** Runs a program to its end and gives its standard output. PROGRAM_ENDED, with the end of its log, when it fails. */
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
    const how = await once(child, 'close').then(
      () => (child.exitCode === 0 ? undefined : `ended with ${child.signalCode ?? `exit status ${child.exitCode}`}`),
      (error: unknown) => `could not be started: ${reasonOf(error)}`,
    );
    // A stop has emptied the list.
    const index = this.#running.indexOf(entry);
    if (index !== -1) this.#running.splice(index, 1);
    if (how === undefined) return output;
    throw await this.#failure(name, how);
  }

  /** Ends all, the last started first. Nothing can be started from here on. */
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
    if (this.#stopping)
      throw new TorchpassError('PROGRAM_ENDED', `${name} is not started: everything is being stopped.`);
    // Emptied: the end of the log is shown when the program fails, and has to be of this run.
    const log = openSync(this.#logOf(name), 'w', 0o600);
    const [program = command, ...rest] = [...this.#wrapper, command, ...args];
    try {
      return spawn(program, rest, { stdio: ['ignore', stdout ?? log, log], detached: true });
    } finally {
      closeSync(log);
    }
  }

  #logOf(name: string): string {
    return join(this.#folder, `${name}.log`);
  }

  async #failure(name: string, how: string): Promise<TorchpassError> {
    const log = (await readFile(this.#logOf(name), 'utf8').catch(() => '')).trimEnd();
    const tail = log.split('\n').slice(-SHOWN_LOG_LINES).join('\n');
    const message = log === '' ? `${name} ${how}.` : `${name} ${how}. Its log ends:\n${tail}\n--`;
    return new TorchpassError('PROGRAM_ENDED', message, { hint: `All of it is in ${this.#logOf(name)}` });
  }
}
