import { once } from 'node:events';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp, type Server, type Socket } from 'node:net';
import { createServer as createTls, type TlsOptions } from 'node:tls';
import type { ProbeCredentials } from '../probe-options.ts';

export interface TestServer {
  readonly port: number;
  /** Waits until every connection is gone by itself: a probe that left a socket open makes its test time out. */
  [Symbol.asyncDispose](): Promise<void>;
}

export const metrics: RequestListener = (_, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4').end('up 1\n');
};

/** An exporter that demands a client certificate under the authorities `clients`, unless that is absent. */
export function serveTls(
  server: ProbeCredentials,
  clients: string | undefined,
  answer: RequestListener = metrics,
  options: TlsOptions = {},
): Promise<TestServer> {
  return listen(createHttps({ ...tlsOptions(server, clients), ...options }, answer));
}

/** TLS with something else than HTTP inside. */
export function serveRawTls(server: ProbeCredentials, talk: (socket: Socket) => void): Promise<TestServer> {
  return listen(createTls(tlsOptions(server, undefined), quietly(talk)));
}

export function servePlain(answer: RequestListener): Promise<TestServer> {
  return listen(createHttp(answer));
}

export function serveTcp(talk: (socket: Socket) => void): Promise<TestServer> {
  return listen(createTcp(quietly(talk)));
}

function tlsOptions(server: ProbeCredentials, clients: string | undefined): TlsOptions {
  return {
    cert: server.certificate,
    key: server.key,
    ...(clients === undefined ? {} : { ca: clients, requestCert: true, rejectUnauthorized: true }),
  };
}

/** A client that goes away is no news. */
function quietly(talk: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    talk(socket);
  };
}

async function listen(server: Server): Promise<TestServer> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}
