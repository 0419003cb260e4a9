import { addAbortSignal, type Readable } from 'node:stream';

/** The first line of `input` that is not empty, at most `limit` characters; what has come when it ends without one. Rejects when `signal` is aborted. */
export async function readLine(input: Readable, limit: number, signal: AbortSignal): Promise<string> {
  let text = '';
  for await (const chunk of addAbortSignal(signal, input)) {
    text += String(chunk);
    // Not to the end: who pastes on a terminal presses Enter, and some pipes stay open.
    if (text.trim().length > 0 && text.trimStart().includes('\n')) break;
    if (text.length >= limit) break;
  }
  return (text.trim().split('\n')[0] ?? '').slice(0, limit);
}
