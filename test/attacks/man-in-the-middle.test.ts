import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { decodeJoinToken } from '@torchpass/protocol';
import { expect, it, vi } from 'vitest';
import { newToken } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';
import { createLabAgent } from '../harness/agent.ts';
import { createAuthority } from '../harness/certificates.ts';
import { testScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';

/**
 * Attack: somebody answers in the controller's place when a server joins, with certificates that look the same under a root of their own.
 * Defence: the agent compares the root's key with the token's pins before it sends anything.
 * Lives in: packages/agent/src/controller/first-contact.ts.
 * Seen to fail: with any root taken for the pinned one the secret of the token arrives.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

it('the real agent sends nothing to who is not the controller that made its token', async () => {
  const scope = testScope();
  const token = await newToken(await startLab());
  const folder = await workspace(scope);
  const authority = await createAuthority(folder, 'intruder');
  const { cert, key } = await authority.issue('controller', {
    sans: ['URI:spiffe://torchpass.internal/controller', 'IP:127.0.0.1', 'DNS:torchpass-controller'],
    usage: 'serverAuth',
  });
  const heard: Buffer[] = [];
  const chain = (await readFile(cert, 'utf8')) + (await readFile(authority.cert, 'utf8'));
  const options = { cert: chain, key: await readFile(key, 'utf8'), ALPNProtocols: ['h2', 'http/1.1'] };
  const intruder = createServer(options, (socket) => {
    socket.on('data', (data: Buffer) => heard.push(data)).on('error', () => undefined);
    // What an HTTP/2 server says first: the other side goes on.
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  }).listen(0, '127.0.0.1');
  scope.defer(() => void intruder.close());
  await once(intruder, 'listening');

  const agent = await createLabAgent(scope, {
    controller: `127.0.0.1:${(intruder.address() as AddressInfo).port}`,
    hostName: 'web-1',
    exporters: [{ address: '127.0.0.1', port: 9100 }],
  });
  const { exit, output } = await agent.enroll(token.text);
  expect(exit.code).not.toBe(0);
  expect(output).toContain('is not the controller that made this join token');
  const everything = Buffer.concat(heard);
  expect(everything.includes(decodeJoinToken(token.text).secret.reveal())).toBe(false);
  expect(everything.includes(token.id)).toBe(false);
  expect(everything).toHaveLength(0);
});
