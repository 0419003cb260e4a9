import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { type Clock, type HostPort, Secret } from '@torchpass/core';
import { certificatesToPem, formatSpiffeId, pinOf, type SpiffeId } from '@torchpass/pki';
import { probeTls } from '@torchpass/prometheus';
import { AgentServiceService, encodeJoinToken, TargetState } from '@torchpass/protocol';
import { createFakeService, type Book } from './fake-service.ts';
import { type Installation, TRUST_DOMAIN } from './installation.ts';

export interface FakeController {
  address: HostPort;
  installation: Installation;
  book: Book;
  /** A join token for `uses` hosts, pinning this installation's root, or the one given. */
  token: (options?: { uses?: number; root?: Buffer }) => Secret;
  close: () => Promise<void>;
}

export interface FakeControllerOptions {
  clock: Clock;
  /** What it shows; its own controller certificate unless given. */
  serveAs?: { certificate: string; key: string };
}

/** A controller in memory, behind real TLS and real gRPC on loopback. */
export async function startFakeController(
  installation: Installation,
  { clock, serveAs }: FakeControllerOptions,
): Promise<FakeController> {
  const id: SpiffeId = { kind: 'controller', trustDomain: TRUST_DOMAIN };
  const shown = serveAs ?? (await installation.pair(id, true));
  const scraperId: SpiffeId = { kind: 'scraper', trustDomain: TRUST_DOMAIN, name: 'prometheus' };
  const trust = certificatesToPem([installation.authority('exporter')]);

  const book: Book = {
    tokens: new Map(),
    hosts: [],
    issued: new Map(),
    calls: [],
    reports: [],
    received: 0,
    names: { dnsNames: [], ipAddresses: ['127.0.0.1'] },
    renewExporters: false,
    renewIdentity: false,
    rejectIdentities: false,
    enrollErrors: [],
    renewIdentityAt: undefined,
    renewExportersAt: undefined,
    clockAheadMs: 0,
    checkInSeconds: 60,
    answer: undefined,
    scraperIds: [formatSpiffeId(scraperId)],
    restartGeneration: 0,
  };
  const look = async (port: number, serial: string): Promise<TargetState> => {
    const options = { trust, client: await installation.pair(scraperId), timeoutMs: 3000, maxBytes: 65_536 };
    const outcome = await probeTls({ host: '127.0.0.1', port }, options);
    const seen = outcome.kind === 'answered' && outcome.status === 200 && outcome.serverSerial === serial;
    return seen ? TargetState.PUBLISHED : TargetState.PENDING;
  };

  const grpc = new Server();
  grpc.addService(AgentServiceService, createFakeService(book, installation, look, clock));
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<TLSSocket>();
  const server = createServer({
    key: shown.key,
    cert: shown.certificate,
    ca: [certificatesToPem([installation.root])],
    ALPNProtocols: ['h2', 'http/1.1'],
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket.on('error', () => undefined));
    if (socket.alpnProtocol === 'h2') injector.injectConnection(socket);
    else socket.on('data', (chunk: Buffer) => void (book.received += chunk.length));
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    installation,
    book,
    token({ uses = 1, root = installation.root } = {}) {
      const secret = randomBytes(20);
      const tokenId = Array.from(randomBytes(16), (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte & 31]).join('');
      book.tokens.set(tokenId, { secret, uses });
      return encodeJoinToken({ id: tokenId, secret: new Secret(secret), pins: [pinOf(root)] });
    },
    async close() {
      injector.destroy();
      grpc.forceShutdown();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
