import { formatHostPort, silentLogger } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { expect, it, onTestFinished, vi } from 'vitest';
import { dial } from '../testing/client.ts';
import { startLab, type RunningLab } from '../testing/lab.ts';
import { Connections } from './connections.ts';
import { createPublicPort } from './public-port.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

/** What is tested has to act before the handshake times out by itself. */
const BEFORE_HANDSHAKE_TIMEOUT = { timeout: 8000 };

/** A connection that says nothing, not even its half of the handshake. */
async function mute(address: { host: string; port: number }): Promise<Socket> {
  const socket = connect(address);
  socket.on('error', () => undefined).resume();
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** A port without a certificate: no handshake ends, and none has to. */
async function openPort(limits: { mostConnections: number; rateFactor: number }) {
  const reasons: string[] = [];
  const nobody = () => expect.unreachable();
  const server = createPublicPort({
    credentials: { key: '', cert: '' },
    connections: new Connections(),
    grpc: nobody,
    http: nobody,
    ...limits,
    dropped: (reason) => void reasons.push(reason),
    clock: new ManualClock(),
    logger: silentLogger,
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    reasons,
    dial: () => mute({ host: '127.0.0.1', port }),
    count: promisify(server.getConnections.bind(server)),
  };
}

it(
  'one address gets no more connections than its share, and room when one closes',
  BEFORE_HANDSHAKE_TIMEOUT,
  async () => {
    const { reasons, dial, count } = await openPort({ mostConnections: 1000, rateFactor: 0.1 });
    const held = await Promise.all(Array.from({ length: 8 }, dial));
    const over = await dial();
    await expect.poll(() => over.closed).toBe(true);
    expect(held.filter(({ closed }) => closed)).toEqual([]);
    expect(reasons).toEqual(['caller']);
    held[0]?.destroy();
    await expect.poll(() => count()).toBe(7);
    const next = await dial();
    const more = await dial();
    await expect.poll(() => more.closed).toBe(true);
    expect([next.closed, reasons]).toEqual([false, ['caller', 'caller']]);
  },
);

it('has a share of 64 for each address unless told otherwise', BEFORE_HANDSHAKE_TIMEOUT, async () => {
  const { reasons, dial } = await openPort({ mostConnections: 1000, rateFactor: 1 });
  await Promise.all(Array.from({ length: 66 }, dial));
  await expect.poll(() => reasons).toEqual(['caller', 'caller']);
});

it('counts what it drops because there are too many of all', BEFORE_HANDSHAKE_TIMEOUT, async () => {
  const { reasons, dial } = await openPort({ mostConnections: 2, rateFactor: 1 });
  await Promise.all(Array.from({ length: 3 }, dial));
  await expect.poll(() => reasons).toEqual(['total']);
});

/** A connection that a server speaks HTTP/2 on, without a call. */
async function silent(lab: RunningLab): Promise<ClientHttp2Session> {
  const session = connectHttp2(`https://${formatHostPort(lab.publicAddress)}`, { rejectUnauthorized: false });
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, 'connect');
  await new Promise((resolve) => session.ping(resolve));
  return session;
}

it('a connection without a call is cut off after ten seconds, one with a call is not', async () => {
  const lab = await startLab();
  const [idle, busy] = [await silent(lab), await silent(lab)];
  const call = busy.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Watch',
    'content-type': 'application/grpc',
  });
  call.on('error', () => undefined);
  await new Promise((resolve) => busy.ping(resolve));
  lab.clock.advance(9999);
  await new Promise((resolve) => idle.ping(resolve));
  expect(idle.closed).toBe(false);
  lab.clock.advance(1);
  await expect.poll(() => idle.closed).toBe(true);
  await new Promise((resolve) => busy.ping(resolve));
  expect(busy.closed).toBe(false);
  await dial(lab).raw('/grpc.health.v1.Health/Check');
});
