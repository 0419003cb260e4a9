import type { Clock, Logger } from '@torchpass/core';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import { constants } from 'node:crypto';
import type { ServerCredentials } from '../issuance/controller-certificate.ts';
import { callerKey } from '../limits/caller-key.ts';
import type { Connection, Connections } from './connections.ts';

/**
 * The one public port. TLS 1.3 with an optional client certificate, then by ALPN either gRPC or the small
 * HTTP/1.1. Who may do what is decided call by call behind it; here only sizes and times are bounded.
 */
export interface PublicPortOptions {
  credentials: ServerCredentials;
  connections: Connections;
  grpc: (socket: TLSSocket) => void;
  http: (socket: TLSSocket) => void;
  /** Of all callers together. */
  mostConnections: number;
  /** Multiplies how many one caller may have. */
  rateFactor: number;
  /** Counts connections that were not let be. */
  dropped: (reason: DropReason) => void;
  clock: Clock;
  logger: Logger;
}

/** `total`: there were too many; `caller`: too many of this caller; `silent`: no call came on it. */
export const DROP_REASONS = ['total', 'caller', 'silent'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** An agent connects because it has something to say. */
const SILENCE_MS = 10_000;
const CONNECTIONS_PER_CALLER = 64;
/** However small the factor: an agent that renews, an operator's check and a stale connection or two have room. */
const FEWEST_PER_CALLER = 8;

export function createPublicPort({
  credentials,
  connections,
  grpc,
  http,
  mostConnections,
  rateFactor,
  dropped,
  clock,
  logger,
}: PublicPortOptions): Server {
  const server = createServer({
    ...tlsOptions(credentials),
    ALPNProtocols: ['h2', 'http/1.1'],
    requestCert: true,
    // Judged per call, against the authority of agents and the database: see authenticate.ts.
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    noDelay: true,
    keepAlive: true,
  });
  server.maxConnections = mostConnections;
  server.on('drop', () => dropped('total'));
  const perCaller = Math.max(FEWEST_PER_CALLER, Math.floor(CONNECTIONS_PER_CALLER * rateFactor));
  const open = new Map<string, number>();
  // Before the handshake, which costs more than all that comes after.
  server.on('connection', (socket) => {
    connections.accept(socket);
    const caller = callerKey(socket.remoteAddress ?? '');
    const count = (open.get(caller) ?? 0) + 1;
    open.set(caller, count);
    socket.once('close', () => {
      const left = (open.get(caller) ?? 1) - 1;
      if (left === 0) open.delete(caller);
      else open.set(caller, left);
    });
    if (count <= perCaller) return;
    dropped('caller');
    socket.destroy();
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', (error) =>
      logger.debug('connection lost', { from: socket.remoteAddress, error: error.message }),
    );
    const connection = connections.add(socket);
    if (socket.alpnProtocol !== 'h2') return http(socket);
    dropWhenSilent(socket, connection);
    grpc(socket);
  });
  server.on('tlsClientError', (error, socket) => {
    logger.debug('TLS handshake failed', { from: socket.remoteAddress, error: error.message });
  });
  return server;

  function dropWhenSilent(socket: TLSSocket, connection: Connection): void {
    const closed = new AbortController();
    socket.once('close', () => closed.abort());
    clock.sleep(SILENCE_MS, closed.signal).then(
      () => {
        if (connection.called) return;
        dropped('silent');
        socket.destroy();
      },
      () => undefined,
    );
  }
}

/** All that belongs to a TLS context. A renewal has to give it again: `setSecureContext` forgets what it is not given. */
export function tlsOptions(credentials: ServerCredentials): SecureContextOptions {
  return {
    ...credentials,
    minVersion: 'TLSv1.3',
    // No session may outlive a revocation: every connection proves its key again. With TLS 1.3 this option only turns
    // self-contained tickets into references to the server's memory, which keeps no sessions here: none resumes.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
