import type { Logger } from '@torchpass/core';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import { constants } from 'node:crypto';
import type { ServerCredentials } from '../issuance/controller-certificate.ts';
import type { Connections } from './connections.ts';

/**
 * The one public port. TLS 1.3 with an optional client certificate, then by ALPN either gRPC or the small
 * HTTP/1.1. Who may do what is decided call by call behind it; here only sizes and times are bounded.
 */
export interface PublicPortOptions {
  credentials: ServerCredentials;
  connections: Connections;
  grpc: (socket: TLSSocket) => void;
  http: (socket: TLSSocket) => void;
  mostConnections: number;
  logger: Logger;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

export function createPublicPort({
  credentials,
  connections,
  grpc,
  http,
  mostConnections,
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
  server.on('secureConnection', (socket) => {
    socket.on('error', (error) =>
      logger.debug('connection lost', { from: socket.remoteAddress, error: error.message }),
    );
    connections.add(socket);
    if (socket.alpnProtocol === 'h2') grpc(socket);
    else http(socket);
  });
  server.on('tlsClientError', (error, socket) => {
    logger.debug('TLS handshake failed', { from: socket.remoteAddress, error: error.message });
  });
  return server;
}

/** All that belongs to a TLS context. A renewal has to give it again: `setSecureContext` forgets what it is not given. */
export function tlsOptions(credentials: ServerCredentials): SecureContextOptions {
  return {
    ...credentials,
    minVersion: 'TLSv1.3',
    // Without tickets every connection proves its key again: nothing outlives a revocation.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
