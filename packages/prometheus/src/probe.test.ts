import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TLSSocket } from 'node:tls';
import { isTorchpassError, Secret } from '@torchpass/core';
import { afterAll, describe, expect, test } from 'vitest';
import { probeTls } from './probe.ts';
import type { ProbeOptions } from './probe-options.ts';
import { TestAuthorities } from './testing/certificates.ts';
import { serveRawTls, serveTcp, serveTls } from './testing/servers.ts';

const authorities = new TestAuthorities();
afterAll(() => authorities.remove());

const exporters = authorities.make('serverAuth');
const scrapers = authorities.make('clientAuth');
const agents = authorities.make('clientAuth');
const exporter = exporters.issue({ san: 'IP:127.0.0.1,DNS:metrics.example.org,DNS:*.wild.example.org' });
const scraper = scrapers.issue({});

const patient = { timeoutMs: 20_000, maxBytes: 65_536 } satisfies ProbeOptions;
const hasty = { timeoutMs: 150, maxBytes: 65_536 } satisfies ProbeOptions;
const asScraper = { ...patient, trust: exporters.certificate, client: scraper } satisfies ProbeOptions;
const at = (port: number, host = '127.0.0.1') => ({ host, port });

describe('an exporter that demands a client certificate', () => {
  test('lets the scraper in and shows its serial', async () => {
    await using server = await serveTls(exporter, scrapers.chain);
    expect(await probeTls(at(server.port), asScraper)).toEqual({
      kind: 'answered',
      status: 200,
      bytes: 5,
      contentType: 'text/plain; version=0.0.4',
      serverSerial: exporter.serial,
      chainTrusted: true,
    });
  });

  test.each([
    ['nothing', undefined],
    ['an agent identity', agents.issue({})],
    ['a server certificate of the right authority', scrapers.issue({ purpose: 'serverAuth' })],
    ['an expired certificate', scrapers.issue({ expired: true })],
  ])('refuses %s, and we see which certificate it serves', async (_, client) => {
    await using server = await serveTls(exporter, scrapers.chain);
    const outcome = await probeTls(at(server.port), { ...asScraper, client });
    expect(outcome).toMatchObject({ kind: 'refused', serverSerial: exporter.serial });
  });

  test('resumes no session, so that every probe is a full check', async () => {
    const resumed: boolean[] = [];
    await using server = await serveTls(exporter, scrapers.chain, (request, response) => {
      resumed.push((request.socket as TLSSocket).isSessionReused());
      response.end();
    });
    await probeTls(at(server.port), asScraper);
    await probeTls(at(server.port), asScraper);
    expect(resumed).toEqual([false, false]);
  });

  test.each(['-tls1_3', '-tls1_2'])('refuses with an alert under %s', async (version) => {
    const strict = `-accept 127.0.0.1:0 -naccept 1 -www -Verify 3 -verify_return_error -partial_chain ${version}`;
    const files = ['-CAfile', scrapers.certificateFile, '-cert', exporter.certificateFile, '-key', exporter.keyFile];
    const process = spawn('openssl', ['s_server', ...strict.split(' '), ...files], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const exit = once(process, 'exit');
    const port = await acceptPort(process.stdout);
    const outcome = await probeTls(at(port), { ...asScraper, client: undefined });
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/alert/u) });
    process.kill();
    await exit;
  });
});

describe('a server that is not the exporter we mean', () => {
  const strangers = authorities.make('serverAuth');
  test.each([
    ['of another authority', strangers.issue({ san: 'IP:127.0.0.1' }), /another authority/u],
    ['expired', exporters.issue({ san: 'IP:127.0.0.1', expired: true }), /expired/u],
    ['for another address', exporters.issue({ san: 'IP:127.0.0.2' }), /for IP Address:127\.0\.0\.2, not for/u],
    ['with the address as a DNS name', exporters.issue({ san: 'DNS:127.0.0.1' }), /not for 127\.0\.0\.1/u],
    ['with a name only in its subject', exporters.issue({ commonName: '127.0.0.1' }), /not for 127\.0\.0\.1/u],
    ['meant for clients', exporters.issue({ san: 'IP:127.0.0.1', purpose: 'clientAuth' }), /not one of a server/u],
  ])('is not trusted when its certificate is %s', async (_, certificate, reason) => {
    let asked = false;
    await using server = await serveTls(certificate, undefined, (_request, response) => {
      asked = true;
      response.end();
    });
    const authorization = { username: 'prometheus', password: new Secret('hunter2') };
    const outcome = await probeTls(at(server.port), { ...asScraper, authorization });
    expect(outcome).toMatchObject({
      kind: 'untrusted',
      serverSerial: certificate.serial,
      reason: expect.stringMatching(reason),
    });
    expect(asked).toBe(false);
  });

  test.each([
    ['metrics.example.org', 'answered'],
    ['one.wild.example.org', 'answered'],
    ['two.deep.wild.example.org', 'untrusted'],
    ['wild.example.org', 'untrusted'],
    ['other.example.org', 'untrusted'],
  ])('%s is %s by its DNS names', async (host, kind) => {
    await using server = await serveTls(exporter, scrapers.chain);
    const outcome = await probeTls(at(server.port, host), { ...asScraper, connectTo: '127.0.0.1' });
    expect(outcome.kind).toBe(kind);
  });

  test('a common name is no DNS name', async () => {
    await using server = await serveTls(exporters.issue({ commonName: 'cn.example.org' }), undefined);
    const outcome = await probeTls(at(server.port, 'cn.example.org'), { ...asScraper, connectTo: '127.0.0.1' });
    expect(outcome.kind).toBe('untrusted');
  });

  test('is still looked at when nothing is to be verified', async () => {
    const other = strangers.issue({});
    await using server = await serveTls(other, undefined);
    const outcome = await probeTls(at(server.port), patient);
    expect(outcome).toMatchObject({ kind: 'answered', serverSerial: other.serial, chainTrusted: false });
  });
});

describe('the request', () => {
  test('names the host as Prometheus does, and carries the password only to a verified server', async () => {
    const seen: (string | undefined)[][] = [];
    await using server = await serveTls(exporter, undefined, ({ url, headers }, response) => {
      seen.push([url, headers.host, headers.authorization]);
      response.end();
    });
    const authorization = { username: 'prometheus', password: new Secret('hunter2') };
    const target = { host: 'metrics.example.org', port: server.port, path: '/probe?module=a%20b' };
    await probeTls(target, { ...asScraper, authorization, connectTo: '127.0.0.1' });
    await probeTls(target, { ...patient, authorization, connectTo: '127.0.0.1' });
    const host = `metrics.example.org:${server.port}`;
    const basic = `Basic ${Buffer.from('prometheus:hunter2').toString('base64')}`;
    expect(seen).toEqual([
      ['/probe?module=a%20b', host, basic],
      ['/probe?module=a%20b', host, undefined],
    ]);
  });

  test('follows no redirect', async () => {
    const paths: (string | undefined)[] = [];
    await using server = await serveTls(exporter, undefined, ({ url }, response) => {
      paths.push(url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await probeTls(at(server.port), asScraper)).toMatchObject({ kind: 'answered', status: 302 });
    expect(paths).toEqual(['/metrics']);
  });

  test.each(['metrics', '/a b', '/a\r\nx: y', '/ü', ''])('is not made for the path %j', async (path) => {
    const attempt = probeTls({ ...at(1), path }, asScraper);
    await expect(attempt).rejects.toSatisfy((error) => isTorchpassError(error, 'ADDRESS_INVALID'));
  });

  test('is not made with a broken key or one of another certificate', async () => {
    for (const key of ['no key', agents.key]) {
      const attempt = probeTls(at(1), { ...asScraper, client: { ...scraper, key } });
      await expect(attempt).rejects.toSatisfy((error) => isTorchpassError(error, 'CERTIFICATE_INVALID'));
    }
  });
});

describe('a server that misbehaves', () => {
  test('endless bodies are read up to the limit', async () => {
    await using server = await serveTls(exporter, undefined, (_, response) => {
      const more = () => response.write('x'.repeat(16_384), () => response.destroyed || more());
      more();
    });
    const outcome = await probeTls(at(server.port), { ...asScraper, maxBytes: 100_000 });
    expect(outcome).toMatchObject({ kind: 'answered', bytes: 100_000 });
  });

  test('silence ends at the deadline, before TLS, after it, and within the headers', async () => {
    await using tcp = await serveTcp(() => undefined);
    await using tls = await serveRawTls(exporter, () => undefined);
    await using drip = await serveRawTls(exporter, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx: ');
      const timer = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(timer));
    });
    const outcomes = await Promise.all([tcp, tls, drip].map(({ port }) => probeTls(at(port), hasty)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['unreachable', 'unreachable', 'unreachable']);
  });

  test('a status is an answer, also when the body drips or breaks off', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n';
    await using drip = await serveRawTls(exporter, (socket) => {
      socket.write(head);
      const timer = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(timer));
    });
    await using cut = await serveRawTls(exporter, (socket) => void socket.once('data', () => socket.end(`${head}xxx`)));
    const options = { ...patient, timeoutMs: 3000 };
    const outcomes = await Promise.all([drip, cut].map(({ port }) => probeTls(at(port), options)));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'answered', status: 200 });
  });

  test('closing or resetting after the handshake is a refusal', async () => {
    await using close = await serveRawTls(exporter, (socket) => socket.end());
    await using reset = await serveRawTls(exporter, (socket) => void socket.once('data', () => socket.destroy()));
    for (const { port } of [close, reset]) {
      expect(await probeTls(at(port), patient)).toMatchObject({ kind: 'refused', serverSerial: exporter.serial });
    }
  });

  test('a connection that ends before a byte of TLS, a closed port and another protocol are no judgement on us', async () => {
    await using close = await serveTcp((socket) => socket.destroy());
    await using reset = await serveTcp((socket) => void socket.once('data', () => socket.resetAndDestroy()));
    await using ssh = await serveTcp((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
    await using smtp = await serveRawTls(exporter, (socket) => socket.end('220 mail.example.org ESMTP\r\n'));
    const gone = await serveTcp(() => undefined);
    await gone[Symbol.asyncDispose]();
    for (const { port } of [close, reset, ssh, smtp, gone]) {
      expect((await probeTls(at(port), patient)).kind).toBe('unreachable');
    }
  });

  test('the caller can end a probe', async () => {
    await using server = await serveTcp(() => undefined);
    const reason = new Error('shutting down');
    const abort = new AbortController();
    const attempt = probeTls(at(server.port), { ...patient, signal: abort.signal });
    abort.abort(reason);
    await expect(attempt).rejects.toBe(reason);
    await expect(probeTls(at(server.port), { ...patient, signal: abort.signal })).rejects.toBe(reason);
  });
});

/** `openssl s_server` says where it listens. */
async function acceptPort(output: NodeJS.ReadableStream): Promise<number> {
  for await (const line of createInterface({ input: output })) {
    const port = /^ACCEPT \S+:(\d+)/u.exec(line)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error('openssl s_server did not start');
}
