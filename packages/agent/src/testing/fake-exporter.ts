import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { certificatesFromPem, verifyChain } from '@torchpass/pki';
import { readWebConfig } from '@torchpass/prometheus';
import { peerChain } from '../controller/trust.ts';

export interface FakeExporter {
  port: number;
  /** A command that restarts it, as `restart` in the configuration. */
  restartCommand: string[];
  /** How often that was called. */
  restarts: number;
  /** Starts it, anew: it looks whether there is a web configuration. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
  /** When set, it does not start any more. */
  broken: boolean;
  /** When set, it goes on with this web configuration, whatever is on disk. */
  frozenAt: string | undefined;
  close: () => Promise<void>;
}

const answer: RequestListener = (_request, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4');
  response.end('up_fake 1\n');
};

/**
 * Behaves as exporter-toolkit does: whether it speaks TLS is decided at its start; from then on it reads the web
 * configuration and everything that it names again at every handshake, and drops the connection when that fails.
 */
export async function startFakeExporter(webConfig: string, options: { stopped?: boolean } = {}): Promise<FakeExporter> {
  let secure = false;
  const sockets = new Set<Socket>();
  const plain = createHttpServer(answer);
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    if (!secure) return void plain.emit('connection', socket);
    try {
      tlsServer(exporter.frozenAt ?? readFileSync(webConfig, 'utf8')).emit('connection', socket);
    } catch {
      socket.destroy();
    }
  });
  const control = createHttpServer((_request, response) => {
    exporter.restarts += 1;
    exporter.restart().then(
      () => response.end(),
      () => response.destroy(),
    );
  });
  await listen(server, 0);
  await listen(control, 0);

  const script = `const r = await fetch('http://127.0.0.1:${portOf(control)}'); process.exit(r.ok ? 0 : 1);`;
  const exporter: FakeExporter = {
    port: portOf(server),
    restartCommand: [process.execPath, '--input-type=module', '-e', script],
    restarts: 0,
    broken: false,
    frozenAt: undefined,
    async stop() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
    async restart() {
      await exporter.stop();
      if (exporter.broken) return;
      secure = hasText(webConfig);
      await listen(server, exporter.port);
    },
    async close() {
      await exporter.stop();
      control.closeAllConnections();
      control.close();
    },
  };
  await (options.stopped === true ? exporter.stop() : exporter.restart());
  return exporter;
}

async function listen(server: NetServer | Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

function tlsServer(webConfig: string): Server {
  const config = readWebConfig(webConfig);
  const anchors = certificatesFromPem(readFileSync(config.clientCaFile));
  const server = createHttpsServer(
    {
      cert: readFileSync(config.certFile),
      key: readFileSync(config.keyFile),
      requestCert: true,
      rejectUnauthorized: false,
    },
    answer,
  );
  // As Go judges, for whom an issuing authority is an anchor; Node.js's servers cannot be told so.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (!admits(anchors, peerChain(socket.getPeerCertificate(true)))) socket.destroy();
  });
  return server.on('tlsClientError', () => undefined);
}

function admits(anchors: readonly Buffer[], chain: readonly X509Certificate[]): boolean {
  try {
    verifyChain(
      chain.map(({ raw }) => raw),
      { anchors, role: 'scraper', now: new Date() },
    );
    return true;
  } catch {
    return false;
  }
}

function hasText(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() !== '';
  } catch {
    return false;
  }
}

function portOf(server: { address: () => unknown }): number {
  return (server.address() as AddressInfo).port;
}
