import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { TorchpassError, type Clock, type Logger } from '@torchpass/core';
import { callerKey } from '../limits/caller-key.ts';
import type { Access } from './access.ts';
import { createApp } from './app.ts';

export interface PublicOptions {
  /** The root certificates that agents pin, as PEM. */
  rootBundle: () => string | Promise<string>;
  /** DER of the revocation list of an authority, by its role or id. */
  revocationList: (name: string) => Promise<Buffer | undefined>;
  logger: Logger;
  clock: Clock;
}

export interface PublicHttp {
  /** Serves HTTP/1.1 on a connection that the public port accepted. */
  handleSocket(socket: TLSSocket): void;
  /** Ends every connection. */
  close(): Promise<void>;
}

const READ: Access = { permission: 'anyone', rateLimit: { capacity: 50, refillPerSecond: 10 } };
const HEADER_LIMIT_BYTES = 8 * 1024;
const IDLE_TIMEOUT_MS = 10_000;
/** However busy: what is fetched here is small, and a caller that sends a byte a second is not served for ever. */
const LONGEST_CONNECTION_MS = 60_000;
const MOST_CONNECTIONS = 512;
const MOST_REQUESTS_PER_CONNECTION = 100;

/** The few things that strangers may fetch from the public port, beside gRPC. It never listens: it is handed sockets. */
export async function createPublicHttp({
  rootBundle,
  revocationList,
  logger,
  clock,
}: PublicOptions): Promise<PublicHttp> {
  const server = createServer({
    maxHeaderSize: HEADER_LIMIT_BYTES,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
  });
  server.timeout = IDLE_TIMEOUT_MS;
  server.maxRequestsPerSocket = MOST_REQUESTS_PER_CONNECTION;
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else socket.destroy();
  });
  const app = createApp({
    logger,
    clock,
    grants: new Set(['anyone'] as const),
    callerOf: (request) => callerKey(request.ip),
    serverFactory: (handler) => server.on('request', handler),
  });
  app.get('/', { config: { access: READ } }, async (_request, reply) =>
    reply.type('text/plain').send('This is a Torchpass controller. Agents connect here.\n'),
  );
  app.get('/ca.pem', { config: { access: READ } }, async (_request, reply) =>
    reply.header('content-type', 'application/pem-certificate-chain').send(await rootBundle()),
  );
  app.get<{ Params: { name: string } }>(
    '/crl/:name([0-9a-z]{1,64}).crl',
    { config: { access: READ } },
    async ({ params }, reply) => {
      const crl = await revocationList(params.name);
      if (crl === undefined) throw new TorchpassError('NOT_FOUND', 'There is no such revocation list.');
      return reply.header('content-type', 'application/pkix-crl').send(crl);
    },
  );
  await app.ready();
  return handOver(server, clock, () => app.close());
}

function handOver(server: Server, clock: Clock, closeApp: () => Promise<void>): PublicHttp {
  const open = new Map<Socket, AbortController>();
  let closing = false;
  return {
    handleSocket(socket) {
      // When closing: its handshake was under way when the port was closed.
      if (closing || open.size >= MOST_CONNECTIONS) {
        socket.destroy();
        return;
      }
      const closed = new AbortController();
      open.set(socket, closed);
      socket.once('close', () => {
        open.delete(socket);
        closed.abort();
      });
      clock.sleep(LONGEST_CONNECTION_MS, closed.signal).then(
        () => socket.destroy(),
        () => undefined,
      );
      server.emit('connection', socket);
    },
    async close() {
      closing = true;
      await closeApp();
      for (const socket of open.keys()) socket.destroy();
    },
  };
}
