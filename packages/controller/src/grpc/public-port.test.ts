import { formatHostPort } from '@torchpass/core';
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { expect, it, onTestFinished, vi } from 'vitest';
import { dial, enrollOver, type Identity } from '../testing/client.ts';
import { newToken } from '../testing/host.ts';
import { startLab, type RunningLab } from '../testing/lab.ts';
import { openPort } from './testing/open-port.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

/** What is tested has to act before the handshake times out by itself. */
const BEFORE_HANDSHAKE_TIMEOUT = { timeout: 8000 };

it(
  'one address gets no more connections than its share, and room when one closes',
  BEFORE_HANDSHAKE_TIMEOUT,
  async () => {
    const { reasons, dial, count } = await openPort({ mostConnections: 1000, rateFactor: 0.1 });
    const held = await Promise.all(Array.from({ length: 8 }, () => dial()));
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
  await Promise.all(Array.from({ length: 66 }, () => dial()));
  await expect.poll(() => reasons).toEqual(['caller', 'caller']);
});

it('counts what it drops because there are too many of all', BEFORE_HANDSHAKE_TIMEOUT, async () => {
  const { reasons, dial } = await openPort({ mostConnections: 2, rateFactor: 1 });
  await Promise.all(Array.from({ length: 3 }, () => dial()));
  await expect.poll(() => reasons).toEqual(['total']);
});

it('keeps an eighth of all connections for addresses of hosts', BEFORE_HANDSHAKE_TIMEOUT, async () => {
  const { reasons, dial } = await openPort({ mostConnections: 16, rateFactor: 1 });
  for (let n = 2; n <= 15; n += 1) await dial(`127.0.0.${n}`);
  const over = await dial('127.0.0.16');
  await expect.poll(() => over.closed).toBe(true);
  const host = await dial('127.0.0.1');
  const more = await dial('127.0.0.17');
  await expect.poll(() => more.closed).toBe(true);
  expect([host.closed, reasons]).toEqual([false, ['strangers', 'strangers']]);
});

it('an address that comes and goes without end is let in at its pace', BEFORE_HANDSHAKE_TIMEOUT, async () => {
  const { reasons, dial, count, clock } = await openPort({ mostConnections: 1000, rateFactor: 0.1 });
  const comeAndGo = async () => {
    const socket = await dial();
    socket.destroy();
    await expect.poll(() => count()).toBe(0);
  };
  for (let n = 0; n < 16; n += 1) await comeAndGo();
  expect(reasons).toEqual([]);
  await comeAndGo();
  expect(reasons).toEqual(['rate']);
  clock.advance(500);
  await comeAndGo();
  expect(reasons).toEqual(['rate']);
});

it('a connection that says nothing is cut off after ten seconds', BEFORE_HANDSHAKE_TIMEOUT, async () => {
  const { reasons, dial, clock, count } = await openPort({ mostConnections: 10, rateFactor: 1 });
  const socket = await dial();
  await expect.poll(() => count()).toBe(1);
  clock.advance(9999);
  expect(reasons).toEqual([]);
  clock.advance(1);
  await expect.poll(() => socket.closed).toBe(true);
  expect(reasons).toEqual(['mute']);
});

it('closing the port ends what has no handshake yet', BEFORE_HANDSHAKE_TIMEOUT, async () => {
  const { dial, count, close } = await openPort({ mostConnections: 10, rateFactor: 1 });
  const socket = await dial();
  await expect.poll(() => count()).toBe(1);
  close();
  await expect.poll(() => socket.closed).toBe(true);
});

/** A connection that a server speaks HTTP/2 on, without a call. */
async function silent(lab: RunningLab, identity?: Identity): Promise<ClientHttp2Session> {
  const session = connectHttp2(`https://${formatHostPort(lab.publicAddress)}`, {
    rejectUnauthorized: false,
    ...(identity === undefined ? {} : { cert: identity.chain, key: identity.key }),
  });
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, 'connect');
  await new Promise((resolve) => session.ping(resolve));
  return session;
}

it('a connection of a stranger is cut off a minute after its last call, one of a host is not', async () => {
  const lab = await startLab();
  const identity = await enrollOver(lab, await newToken(lab));
  const [host, stranger] = [await silent(lab, identity), await silent(lab)];
  const call = (session: ClientHttp2Session, path: string) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    stream.resume().end(Buffer.alloc(5));
    return once(stream, 'close');
  };
  const check = () => call(stranger, '/grpc.health.v1.Health/Check');
  const pass = async (milliseconds: number) => {
    lab.clock.advance(milliseconds);
    await new Promise((resolve) => void setImmediate(resolve));
  };
  await call(host, '/torchpass.v1.AgentService/CheckIn');
  await check();
  await pass(10_000);
  await check();
  await pass(60_000);
  expect(stranger.closed).toBe(false);
  await pass(60_000);
  await expect.poll(() => stranger.closed).toBe(true);
  await new Promise((resolve) => host.ping(resolve));
  expect(host.closed).toBe(false);
});

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
