import { request, type IncomingMessage } from 'node:http';
import { TorchpassError } from '@torchpass/core';
import { readAnswer, type Answer } from './answer.ts';
import { unreachable } from './unreachable.ts';

/** Sends a request and gives back the content of the answer. */
export type Exchange = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

/** A controller that checks many targets takes its time; one that says nothing for this long has hung. */
const SILENCE_MS = 120_000;
const LARGEST_ANSWER = 256 * 1024 * 1024;

/** HTTP over a Unix socket, in the name of a user for the audit log. @throws CONTROLLER_UNREACHABLE, PROTOCOL_VIOLATION and what the controller answers. */
export function overUnixSocket(socketPath: string, operator: string, silenceMs: number = SILENCE_MS): Exchange {
  return async (method, path, body) => {
    let connected = false;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const content = body === undefined ? undefined : JSON.stringify(body);
      const outgoing = request({
        socketPath,
        method,
        path,
        agent: false,
        timeout: silenceMs,
        headers: {
          host: 'torchpass',
          accept: 'application/json',
          'torchpass-operator': operator,
          ...(content === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
        },
      });
      outgoing.once('socket', (socket) => socket.once('connect', () => (connected = true)));
      outgoing.once('error', reject);
      outgoing.once('timeout', () => outgoing.destroy(new Error(`nothing came for ${silenceMs / 1000} seconds`)));
      outgoing.once('response', (incoming) => void collect(incoming).then(resolve, reject));
      outgoing.end(content);
    }).catch(async (error: unknown) => {
      throw await unreachable(error, socketPath, connected);
    });
    return readAnswer(answer, socketPath);
  };
}

async function collect(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming) {
    const bytes = Buffer.from(chunk as Uint8Array);
    length += bytes.length;
    if (length > LARGEST_ANSWER) throw new TorchpassError('PROTOCOL_VIOLATION', 'The answer is too large.');
    chunks.push(bytes);
  }
  return {
    status: incoming.statusCode ?? 0,
    contentType: incoming.headers['content-type'] ?? '',
    text: Buffer.concat(chunks).toString('utf8'),
  };
}
