import { silentLogger } from '@torchpass/core';
import { ManualClock } from '@torchpass/core/testing';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { createApp } from './app.ts';

const ACCESS = { permission: 'anyone', rateLimit: { capacity: 10, refillPerSecond: 1 } } as const;

/** Node.js itself gives up such connections after half a minute. */
it('closing waits for answers, not for connections that ask nothing', { timeout: 5000 }, async () => {
  const app = createApp({
    logger: silentLogger,
    clock: new ManualClock(),
    grants: new Set(['anyone'] as const),
    callerOf: () => '',
  });
  let answer: (content: string) => void = () => undefined;
  const content = new Promise<string>((resolve) => (answer = resolve));
  app.get('/', { config: { access: ACCESS } }, async () => content);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const silent = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(silent, 'connect');
  const asking = connect(port, '127.0.0.1');
  const answered = text(asking);
  asking.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(app.server, 'request');

  const closed = app.close();
  await once(silent.resume(), 'close');
  answer('the answer');
  expect(await answered).toMatch(/the answer$/);
  await closed;
});
