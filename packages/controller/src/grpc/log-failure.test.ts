import { TorchpassError } from '@torchpass/core';
import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { dial, enrollOver, enrollRequest } from '../testing/client.ts';
import { newToken } from '../testing/host.ts';
import { startLab } from '../testing/lab.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

describe('what the operator has to mend is in the log', () => {
  it.each(['AUTHORITY_MISSING', 'STORE_UNAVAILABLE'] as const)('%s', async (code) => {
    const lab = await startLab();
    const agent = dial(lab, await enrollOver(lab, await newToken(lab)));
    const spy = vi.spyOn(lab.random, 'bytes').mockImplementation(() => {
      throw new TorchpassError(code, 'It is gone.');
    });
    onTestFinished(() => spy.mockRestore());
    const certificateRequest = createCertificateRequest(await generatePrivateKey());
    const purpose = { $case: 'identity', value: {} } as const;
    await expect(agent.issueCertificate({ certificateRequest, purpose })).rejects.toMatchObject({ code });
    expect(lab.logged.filter((line) => line.includes('call failed') && line.includes(code))).toHaveLength(1);
  });

  it('but not what a caller does wrong', async () => {
    const lab = await startLab();
    await expect(dial(lab).raw('/torchpass.v1.AgentService/Enroll')).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
    expect(lab.logged.join('')).not.toContain('call failed');
  });
});

it('an unknown failure says nothing outside and everything in the log', async () => {
  const lab = await startLab();
  const token = await newToken(lab);
  vi.spyOn(lab.random, 'bytes').mockImplementationOnce(() => {
    throw new Error('the table of secrets is on fire');
  });
  const { enroll } = dial(lab);
  const request = createCertificateRequest(await generatePrivateKey());
  await expect(enroll(enrollRequest(token, request))).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.not.stringContaining('fire') as string,
  });
  expect(lab.logged.join('')).toContain('on fire');
  await enroll(enrollRequest(token, request));
});
