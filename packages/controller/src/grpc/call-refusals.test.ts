import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { expect, it, vi } from 'vitest';
import { request } from 'node:http';
import { dial, enrollOver, enrollRequest } from '../testing/client.ts';
import { newToken, report } from '../testing/host.ts';
import { startLab, type RunningLab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const checkIn = { agentVersion: 'test', rootsDigest: Buffer.alloc(0), exporters: [] };
const LOOPBACK = '127.0.0.1';

/** The newest entry of an event. */
async function newest({ services }: RunningLab, event: string) {
  const { entries } = await services.audit.log({ event, limit: 1 });
  return entries[0];
}

it('a rejected token is on record with the true reason, where from, and nothing of its secret, when the caller has its answer', async () => {
  const lab = await startLab();
  const token = await newToken(lab);
  await lab.services.tokens.revoke(token.id, OPERATOR);
  const answer = enrollOver(lab, token).catch((error: unknown) => String(error));
  expect(await answer).not.toContain('revoked');
  expect(await newest(lab, 'token.rejected')).toMatchObject({
    by: { kind: 'stranger', name: '', from: LOOPBACK },
    subject: token.id,
    details: { reason: 'revoked' },
  });
  const all = JSON.stringify(await lab.services.audit.log({ limit: 500 }));
  for (const form of ['hex', 'base64', 'base64url'] as const) expect(all).not.toContain(token.secret.toString(form));
});

it('a rejected identity is on record with the host that it names and why', async () => {
  const lab = await startLab();
  const identity = await enrollOver(lab, await newToken(lab));
  await lab.services.hosts.revoke('web-1', 'sold', OPERATOR);
  await expect(dial(lab, identity).checkIn(checkIn)).rejects.toMatchObject({ code: 'IDENTITY_REJECTED' });
  expect(await newest(lab, 'identity.rejected')).toMatchObject({
    subject: 'web-1',
    by: { kind: 'stranger', from: LOOPBACK },
    details: { reason: 'its certificate is revoked', serial: expect.any(String) as string },
  });
});

it('a refused certificate, a refused enrolment and a call without identity are on record', async () => {
  const lab = await startLab();
  const identity = await enrollOver(lab, await newToken(lab));
  const wrong = { purpose: { $case: 'identity' as const, value: {} }, certificateRequest: Buffer.from('no request') };
  await expect(dial(lab, identity).issueCertificate(wrong)).rejects.toMatchObject({ code: 'CSR_INVALID' });
  expect(await newest(lab, 'certificate.refused')).toMatchObject({
    subject: 'web-1',
    details: { code: 'CSR_INVALID' },
  });

  const csr = createCertificateRequest(await generatePrivateKey());
  await expect(dial(lab).enroll(enrollRequest(await newToken(lab), csr))).rejects.toMatchObject({
    code: 'HOST_NAME_TAKEN',
  });
  expect(await newest(lab, 'enrolment.refused')).toMatchObject({ details: { code: 'HOST_NAME_TAKEN' } });

  await expect(dial(lab).checkIn(checkIn)).rejects.toMatchObject({ code: 'IDENTITY_REQUIRED' });
  expect(await newest(lab, 'call.refused')).toMatchObject({ details: { code: 'IDENTITY_REQUIRED' } });
});

it('an exporter that policy refuses is on record once, and again when the reason changes', async () => {
  const lab = await startLab();
  const { checkIn: call } = dial(lab, await enrollOver(lab, await newToken(lab)));
  const reported = (address: string) => call({ ...checkIn, exporters: [report({ address })] });
  for (let n = 0; n < 3; n += 1) await reported('');
  expect(await newest(lab, 'exporter.refused')).toMatchObject({
    by: { kind: 'host', name: 'web-1', from: LOOPBACK },
    subject: 'web-1',
    details: { exporter: 'node', reason: expect.stringContaining('not a public address') as string },
  });
  expect((await lab.services.audit.log({ event: 'exporter.refused', limit: 10 })).entries).toHaveLength(1);
});

it('callers that are told to wait are on record, however many', async () => {
  const lab = await startLab({ config: { limits: { rate_factor: 0.1 } } });
  const { checkIn: call } = dial(lab);
  for (let n = 0; n < 10; n += 1) await call(checkIn).catch(() => undefined);
  expect(await newest(lab, 'call.limited')).toMatchObject({ by: { kind: 'stranger', from: LOOPBACK } });
  expect((await lab.services.audit.log({ event: 'call.limited', limit: 10 })).entries).toHaveLength(1);
});

it("an operator's act that fails is on record with who and why; looking is not", async () => {
  const lab = await startLab();
  const ask = (method: string, path: string) =>
    new Promise<number>((resolve, reject) => {
      const headers = { host: 'torchpass', 'torchpass-operator': 'olga' };
      const socketPath = lab.config.admin.socket;
      request({ socketPath, method, path: `/api/v1${path}`, headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
  expect(await ask('POST', '/hosts/web-9/revoke')).toBe(404);
  expect(await newest(lab, 'operator.refused')).toMatchObject({
    by: OPERATOR,
    subject: 'web-9',
    details: { act: 'POST /hosts/:name/revoke', code: 'NOT_FOUND' },
  });
  expect(await ask('GET', '/hosts/web-8')).toBe(404);
  expect((await lab.services.audit.log({ event: 'operator.refused', limit: 10 })).entries).toHaveLength(1);
});

it('the head is in the log of the program at start and at stop, so that it is known what was lost in between', async () => {
  const lab = await startLab();
  await vi.waitFor(() => expect(lab.logged.join('')).toContain('head of the audit log'));
  await newToken(lab);
  await lab.close();
  const heads = lab.logged
    .filter((line) => line.includes('head of the audit log'))
    .map((line) => JSON.parse(line) as { head: string });
  expect(heads).toHaveLength(2);
  expect(Number(heads[1]?.head.split(':')[0])).toBeGreaterThan(Number(heads[0]?.head.split(':')[0]));
});
