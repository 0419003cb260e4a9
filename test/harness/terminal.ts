import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { eventually } from './eventually.ts';
import type { Scope } from './scope.ts';

export interface OnTerminal {
  /** Everything that the terminal showed, what was typed and echoed included. */
  readonly shown: string;
  /** Waits until the terminal shows `question`, then types. */
  answer(question: RegExp, typed: string): Promise<void>;
  /** The exit code. */
  ended: Promise<number | null>;
}

/** Runs one of our programs on a terminal of its own: script(1) makes it. */
export function runOnTerminal(scope: Scope, main: string, args: readonly string[]): OnTerminal {
  const quoted = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--echo', 'always', '--command', quoted, '/dev/null'], {
    stdio: 'pipe',
  });
  scope.defer(() => void child.kill('SIGKILL'));
  let shown = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (shown += text));
  const ended = once(child, 'close').then(() => child.exitCode);
  let read = 0;
  return {
    get shown() {
      return shown;
    },
    async answer(question, typed) {
      await eventually(
        () => {
          const match = question.exec(shown.slice(read));
          if (match === null) throw new Error(`${question} is not on the terminal:\n${shown}`);
          read += match.index + match[0].length;
        },
        { withinMs: 30_000 },
      );
      child.stdin.write(typed);
    },
    ended,
  };
}
