import { silentLogger } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { Connections } from '../connections.ts';
import { Lanes } from '../../limits/lanes.ts';
import { HANDSHAKES } from '../handshakes.ts';
import { createPublicPort } from '../public-port.ts';

/** An address that a host was seen from, like all of 127.0.3.0/24. */
export const HOME = '127.0.0.1';

/** A public port with nothing behind it, on a clock that stands. */
export async function openPort(limits: { mostConnections: number; rateFactor: number }) {
  const reasons: string[] = [];
  const clock = new ManualClock();
  const handshakes = new Lanes(HANDSHAKES);
  const publicPort = createPublicPort({
    credentials: credentials(),
    connections: new Connections(),
    known: { has: (caller) => caller === HOME || caller.startsWith('127.0.3.'), add: () => undefined },
    handshakes,
    grpc: () => undefined,
    http: () => undefined,
    ...limits,
    dropped: (reason) => void reasons.push(reason),
    clock,
    logger: silentLogger,
  });
  const server = publicPort.server.listen(0, '127.0.0.1');
  onTestFinished(() => publicPort.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  /** A connection that says nothing, not even its half of the handshake. */
  const dial = async (localAddress = HOME): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    socket.on('error', () => undefined).resume();
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return {
    reasons,
    clock,
    handshakes,
    close: () => publicPort.close(),
    count: promisify(server.getConnections.bind(server)),
    dial,
    /** Begins a handshake as a client does and leaves it there. */
    async stall(localAddress: string): Promise<Socket> {
      const socket = await dial(localAddress);
      socket.write(await clientHello());
      return socket;
    },
    /** Resolves when the whole handshake is done. */
    async shakeHands(localAddress: string): Promise<void> {
      const socket = connectTls({ socket: await dial(localAddress), rejectUnauthorized: false });
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
    },
  };
}

let made: { key: string; cert: string } | undefined;

function credentials(): { key: string; cert: string } {
  if (made !== undefined) return made;
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '-'];
  const pem = execFileSync('openssl', ['req', '-x509', ...key, '-subj', '/CN=port', '-days', '1'], { stdio: 'pipe' });
  made = { key: pem.toString(), cert: pem.toString() };
  return made;
}

/** What a TLS client says first. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        resolve(chunk);
        done();
      },
    });
    connectTls({ socket: wire }).on('error', () => undefined);
  });
}
