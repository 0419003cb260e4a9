import { silentLogger, TorchpassError } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createOperationsServer } from './operations.ts';

function server(
  unready: () => Promise<string | undefined> = () => Promise.resolve(undefined),
  hostNames: string[] = [],
) {
  const registry = new Registry();
  const counter = new Counter({ name: 'torchpass_test_total', help: 'A test.', registers: [registry] });
  counter.inc(3);
  return createOperationsServer({
    services: { unready },
    registry,
    logger: silentLogger,
    clock: new ManualClock(),
    hostNames,
  });
}

describe('the operations server', () => {
  it('is healthy in Prometheus’s words', async () => {
    const answer = await server().inject('/-/healthy');
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toBe('Torchpass controller is Healthy.\n');
  });

  it('is ready when requests can be served', async () => {
    const answer = await server().inject('/-/ready');
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toBe('Torchpass controller is Ready.\n');
  });

  it('says why it is not ready', async () => {
    const answer = await server(() => Promise.resolve('The database does not answer.')).inject('/-/ready');
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain('The database does not answer.');
  });

  it.each([
    ['with its sentence', new TorchpassError('STORE_UNAVAILABLE', 'The database is away.'), 'The database is away.'],
    ['without the text of an unknown error', new Error('hunter2'), 'internal error'],
  ])('is not ready when finding out fails, %s', async (_name, error, said) => {
    const answer = await server(() => Promise.reject(error)).inject('/-/ready');
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain(said);
    expect(answer.body).not.toContain('hunter2');
  });

  it('shows metrics in Prometheus’s text format', async () => {
    const answer = await server().inject('/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toContain('torchpass_test_total 3');
  });

  it('answers HEAD without content', async () => {
    const answer = await server().inject({ method: 'HEAD', url: '/-/healthy' });
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toBe('');
  });

  it.each(['/', '/api/v1/tokens', '/debug', '/-/quit', '/-/reload', '/metrics/'])('has nothing at %s', async (url) => {
    expect((await server().inject(url)).statusCode).toBe(404);
  });

  it.each(['POST', 'PUT', 'DELETE'] as const)('does not take %s', async (method) => {
    expect((await server().inject({ method, url: '/metrics' })).statusCode).toBe(404);
  });

  it.each([
    'localhost',
    'localhost:7444',
    'LOCALHOST:7444',
    '127.0.0.1:7444',
    '127.9.9.9',
    '[::1]:7444',
    'ops.example.org:7444',
    '192.0.2.7:7444',
    '[2001:db8::7]:7444',
  ])('answers to the name %s', async (host) => {
    const own = ['Ops.example.org', '192.0.2.7', '2001:db8:0::7'];
    const answer = await server(undefined, own).inject({ url: '/metrics', headers: { host } });
    expect(answer.statusCode).toBe(200);
  });

  it.each([
    'evil.example:7444',
    'localhost.evil.example',
    '127.0.0.1.evil.example:7444',
    '127.evil.example',
    '127.1',
    '[::2]:7444',
    '192.0.2.8',
    'a@127.0.0.1',
    'localhost:7444:1',
    ' ',
  ])('does not answer to the name "%s"', async (host) => {
    for (const url of ['/metrics', '/-/healthy', '/-/ready', '/nothing']) {
      const answer = await server(undefined, ['192.0.2.7']).inject({ url, headers: { host } });
      expect(answer.statusCode).toBe(400);
      expect(answer.body).not.toContain('torchpass_test_total');
    }
  });

  it('limits how often it is asked', async () => {
    const app = server();
    const answers = await Promise.all(Array.from({ length: 120 }, () => app.inject('/metrics')));
    expect(answers.map((answer) => answer.statusCode)).toContain(429);
  });
});
