import { afterAll, expect, test } from 'vitest';
import { probePlain } from './probe-plain.ts';
import { TestAuthorities } from './testing/certificates.ts';
import { metrics, servePlain, serveTcp, serveTls } from './testing/servers.ts';

const authorities = new TestAuthorities();
afterAll(() => authorities.remove());

const patient = { timeoutMs: 20_000, maxBytes: 65_536 };
const at = (port: number) => ({ host: '127.0.0.1', port });

test.each([200, 204, 302, 401, 404, 500])('an exporter that answers plain HTTP with %i is open', async (status) => {
  await using server = await servePlain((_, response) => response.writeHead(status).end());
  expect(await probePlain(at(server.port), patient)).toBe('open');
});

test('an endless plain answer is open, and is not read', async () => {
  await using server = await servePlain((_, response) => {
    const more = () => response.write('x'.repeat(16_384), () => response.destroyed || more());
    more();
  });
  expect(await probePlain(at(server.port), patient)).toBe('open');
});

test('what a Go server with TLS says to plain HTTP is a refusal', async () => {
  await using server = await serveTcp((socket) =>
    socket.end('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'),
  );
  expect(await probePlain(at(server.port), patient)).toBe('refused');
});

test('TLS, a reset and another protocol are refusals', async () => {
  const server = authorities.make('serverAuth').issue({ san: 'IP:127.0.0.1' });
  await using tls = await serveTls(server, undefined, metrics);
  await using reset = await serveTcp((socket) => void socket.once('data', () => socket.resetAndDestroy()));
  await using ssh = await serveTcp((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
  for (const { port } of [tls, reset, ssh]) expect(await probePlain(at(port), patient)).toBe('refused');
});

test('nobody, and somebody silent until the deadline, cannot be judged', async () => {
  const gone = await serveTcp(() => undefined);
  await gone[Symbol.asyncDispose]();
  await using silent = await serveTcp(() => undefined);
  expect(await probePlain(at(gone.port), patient)).toBe('unreachable');
  expect(await probePlain(at(silent.port), { ...patient, timeoutMs: 100 })).toBe('unreachable');
});

test('the caller can end a probe', async () => {
  await using silent = await serveTcp(() => undefined);
  const reason = new Error('shutting down');
  const abort = new AbortController();
  const attempt = probePlain(at(silent.port), { ...patient, signal: abort.signal });
  abort.abort(reason);
  await expect(attempt).rejects.toBe(reason);
});
