import { once } from 'node:events';
import { connect, createServer, type Server, type AddressInfo, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { silentLogger } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPublicHttp, type PublicHttp } from './public.ts';

/** The server ends an idle connection after ten seconds anyway; what is tested has to act before. */
const SOONER_THAN_IDLE_MS = 5000;

let http: PublicHttp;
let acceptor: Server;
let clock: ManualClock;

/** Plain sockets stand for the decrypted side of TLS ones: the server only reads and writes them. */
beforeEach(async () => {
  clock = new ManualClock();
  http = await createPublicHttp({
    rootBundle: () => 'ROOT PEM\n',
    revocationList: async (name) => (name === 'agent' ? Buffer.from([0x30, 0]) : undefined),
    logger: silentLogger,
    clock,
  });
  acceptor = createServer((socket) => http.handleSocket(socket as TLSSocket)).listen(0, '127.0.0.1');
  await once(acceptor, 'listening');
});

afterEach(async () => {
  acceptor.close();
  await http.close();
});

function dial(): Socket {
  const { port } = acceptor.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.on('error', () => undefined);
  return socket;
}

/** Also when it ends with a reset. */
const closed = (socket: Socket) => new Promise<void>((resolve) => void socket.once('close', () => resolve()));

/** Everything that comes back until the other side closes. */
async function send(text: string): Promise<string> {
  const socket = dial();
  let answer = '';
  socket.on('data', (data) => (answer += String(data)));
  socket.write(text);
  await closed(socket);
  return answer;
}

const request = (method: string, path: string, headers = '') =>
  send(`${method} ${path} HTTP/1.1\r\nHost: c\r\nConnection: close\r\n${headers}\r\n`);

describe('the public HTTP server', () => {
  it('hands out the root certificates', async () => {
    const answer = await request('GET', '/ca.pem');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('content-type: application/pem-certificate-chain');
    expect(answer).toMatch(/\r\n\r\nROOT PEM\n$/);
  });

  it('hands out the revocation list of an authority as one', async () => {
    const answer = await request('GET', '/crl/agent.crl');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('content-type: application/pkix-crl');
    expect(answer).toMatch(/\r\n\r\n0\0$/);
  });

  it('says what it is, without a version', async () => {
    const answer = await request('GET', '/');
    expect(answer).toMatch(/\r\n\r\nThis is a Torchpass controller[^\n]*\n$/);
    expect(answer).not.toMatch(/\d+\.\d+\.\d+|fastify|node/i);
  });

  it.each([
    ['GET', '/metrics'],
    ['GET', '/api/v1/tokens'],
    ['GET', '/-/healthy'],
    ['GET', '/../ca.pem'],
    ['GET', '/ca.pem/'],
    ['GET', '/crl/other.crl'],
    ['GET', '/crl/agent.pem'],
    ['GET', '/crl/..%2fagent.crl'],
    ['GET', '/crl/'],
    ['POST', '/ca.pem'],
    ['DELETE', '/'],
  ])('has nothing at %s %s', async (method, path) => {
    const answer = await request(method, path);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain('"code":"NOT_FOUND"');
  });

  it('refuses a content that is too large', async () => {
    const body = 'x'.repeat(100_000);
    const answer = await request('POST', '/', `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it.each([
    ['headers that are too large', `GET / HTTP/1.1\r\nHost: c\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`],
    ['what is no HTTP', '\x16\x03\x01 hello\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: c\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
  ])('answers %s with 400 and closes', async (_name, text) => {
    expect(await send(text)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('ends a connection that dribbles after a minute', { timeout: SOONER_THAN_IDLE_MS }, async () => {
    const socket = dial();
    socket.write('GET / HTTP/1.1\r\n');
    const [handled] = await Promise.all([once(acceptor, 'connection'), once(socket, 'connect')]);
    expect(handled).toHaveLength(1);
    expect(clock.nextWake).toEqual(new Date(clock.now().getTime() + 60_000));
    const gone = closed(socket);
    clock.advance(60_000);
    await gone;
    expect(socket.destroyed).toBe(true);
  });

  it('remembers no closed connection', async () => {
    await request('GET', '/');
    await expect.poll(() => clock.nextWake).toBeUndefined();
  });

  it('limits how often one caller asks', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => request('GET', '/ca.pem')));
    expect(answers.some((answer) => answer.startsWith('HTTP/1.1 429 '))).toBe(true);
  });

  it('ends every connection when it closes', { timeout: SOONER_THAN_IDLE_MS }, async () => {
    const idle = dial();
    const accepted = once(acceptor, 'connection');
    await once(idle, 'connect');
    await accepted;
    const gone = closed(idle);
    await http.close();
    await gone;
    expect(idle.destroyed).toBe(true);
  });

  it('takes no connection that is handed over after it closed', { timeout: SOONER_THAN_IDLE_MS }, async () => {
    await http.close();
    const late = dial();
    await closed(late);
    expect(late.destroyed).toBe(true);
  });
});
