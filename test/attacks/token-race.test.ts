import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { expect, it, vi } from 'vitest';
import { dial, enrollRequest } from '../../packages/controller/src/testing/client.ts';
import { newToken } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';

/**
 * Attack: forty machines use one token at the same moment.
 * Defence: one conditional update decides, in the transaction that makes the host.
 * Lives in: packages/controller/src/tokens/redeem.ts.
 * Seen to fail: without "uses < max_uses" in `consume` many of them join.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

it('a token with one use makes one host, whoever else is as fast', async () => {
  const lab = await startLab();
  const token = await newToken(lab);
  const requests = await Promise.all(
    Array.from({ length: 40 }, async (_, n) =>
      enrollRequest(token, createCertificateRequest(await generatePrivateKey()), `racer-${n}`),
    ),
  );
  // On one connection that is open already they arrive in one piece.
  const { enroll, raw } = dial(lab);
  await raw('/grpc.health.v1.Health/Check');
  const outcomes = await Promise.allSettled(requests.map((request) => enroll(request)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject(
    Array.from({ length: 39 }, () => ({ reason: { code: 'TOKEN_REJECTED' } })),
  );
  expect(await lab.services.hosts.list()).toHaveLength(1);
  expect(await lab.services.tokens.list()).toMatchObject([{ uses: 1, state: 'used' }]);
});
