import type { Readable, Writable } from 'node:stream';
import { TorchpassError } from '../errors/error.ts';

export interface Terminal {
  /** A terminal's standard input. */
  input: Readable & { setRawMode(raw: boolean): unknown };
  /** Where questions go: not standard output, which may be a pipe. */
  output: Writable;
}

const LONGEST = 4096;
const ENTER = new Set(['\r', '\n']);
const INTERRUPT = '\u0003';
const END = '\u0004';
const ERASE_ALL = '\u0015';
const ERASE = new Set(['\u007f', '\b']);

/**
 * Asks on a terminal and gives the line that is typed, which is not shown. The terminal is as before when this ends, in whatever
 * way. Rejects with USAGE at Ctrl-C or when the terminal goes away, with the signal's reason when `signal` is aborted.
 */
export async function askHidden(question: string, { input, output }: Terminal, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  input.setEncoding('utf8');
  input.setRawMode(true);
  output.write(question);
  try {
    return await typed(input, signal);
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write('\n');
  }
}

function typed(input: Readable, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let line: string[] = [];
    const finish = (end: () => void) => {
      input.off('data', onData).off('end', onEnd);
      signal?.removeEventListener('abort', onAbort);
      end();
    };
    const interrupted = () =>
      finish(() => reject(new TorchpassError('USAGE', 'Interrupted at the question; nothing was changed.')));
    const onEnd = () => interrupted();
    const onAbort = () => finish(() => reject(signal?.reason));
    const onData = (text: string) => {
      for (const character of text) {
        if (ENTER.has(character) || character === END) return finish(() => resolve(line.join('')));
        if (character === INTERRUPT) return interrupted();
        if (character === ERASE_ALL) line = [];
        else if (ERASE.has(character)) line.pop();
        else if (character >= ' ' && line.length < LONGEST) line.push(character);
      }
    };
    input.on('data', onData).on('end', onEnd).resume();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
