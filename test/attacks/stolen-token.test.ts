import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { expect, it, vi } from 'vitest';
import type { CreateTokenInput } from '../../packages/controller/src/api/types.ts';
import { dial, enrollOver, enrollRequest } from '../../packages/controller/src/testing/client.ts';
import { newToken, type LabToken } from '../../packages/controller/src/testing/host.ts';
import { startLab, type RunningLab } from '../../packages/controller/src/testing/lab.ts';
import { OPERATOR } from '../../packages/controller/src/testing/operator.ts';

/**
 * Attack: somebody has a join token that was used, has expired, was revoked, or belongs to another network.
 * Defence: a token makes as many hosts as it says, until it ends, and only from where it says; the answer tells nothing.
 * Lives in: packages/controller/src/tokens/redeem.ts.
 * Seen to fail: without the check of networks in `authenticateToken` the thief elsewhere joins.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

interface Theft {
  what: string;
  token?: CreateTokenInput;
  before?: (lab: RunningLab, token: LabToken) => unknown;
}

const THEFTS: Theft[] = [
  { what: 'was used', before: (lab, token) => enrollOver(lab, token, 'owner') },
  { what: 'has expired', before: (lab) => lab.clock.advance(3_600_000) },
  { what: 'was revoked', before: (lab, { id }) => lab.services.tokens.revoke(id, OPERATOR) },
  { what: 'belongs to another network', token: { networks: ['203.0.113.0/24'] } },
];

it.each(THEFTS)('a token that $what makes no host', async ({ token: input = {}, before }) => {
  const lab = await startLab();
  const token = await newToken(lab, input);
  await before?.(lab, token);
  const hosts = await lab.services.hosts.list();
  const request = enrollRequest(token, createCertificateRequest(await generatePrivateKey()), 'thief');
  await expect(dial(lab).enroll(request)).rejects.toMatchObject({
    code: 'TOKEN_REJECTED',
    message: expect.stringMatching(/^The controller does not accept this join token\./) as string,
  });
  expect(await lab.services.hosts.list()).toEqual(hosts);
});
