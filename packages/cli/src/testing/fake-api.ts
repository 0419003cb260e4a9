import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface FakeAnswer {
  status?: number;
  type?: string;
  /** A text goes out as it is, anything else as JSON. */
  body: unknown;
}

export interface FakeApi {
  socket: string;
  /** What came in: method, path, and the content where there was one. */
  requests: unknown[][];
  /** The operator that each request named. */
  operators: unknown[];
  close(): Promise<void>;
}

/** An API on a Unix socket of its own that gives one answer to everything; `hang-up` closes without answering. */
export async function fakeApi(answer: FakeAnswer | 'hang-up' | 'silence'): Promise<FakeApi> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-cli-'));
  const socket = join(folder, 'api.sock');
  const requests: unknown[][] = [];
  const operators: unknown[] = [];
  const server = createServer((request, response) => {
    void text(request).then((content) => {
      operators.push(request.headers['torchpass-operator']);
      requests.push([request.method, request.url, ...(content === '' ? [] : [JSON.parse(content)])]);
      if (answer === 'hang-up') request.socket.destroy();
      if (typeof answer === 'string') return;
      response.writeHead(answer.status ?? 200, { 'content-type': answer.type ?? 'application/json' });
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    });
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    requests,
    operators,
    async close() {
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function problem(code: string, status: number, detail: string, hint?: string): FakeAnswer {
  return {
    status,
    type: 'application/problem+json',
    body: { type: `urn:torchpass:error:${code}`, title: 'A kind', status, detail, code, hint },
  };
}
