import { createSecureContext } from 'node:tls';
import { certificatesToPem, createCertificateRequest, generatePrivateKey, privateKeyToPem } from '@torchpass/pki';
import { expect, it, vi } from 'vitest';
import { dial, enrollRequest, renewOver } from '../../packages/controller/src/testing/client.ts';
import { newToken } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';
import { OPERATOR } from '../../packages/controller/src/testing/operator.ts';

/**
 * Attack: somebody has a copy of a whole enrolment, token and request, and sends it again, at once and later.
 * Defence: the same key gets the same certificate, which is worth nothing without the key; once the host has moved on, nothing.
 * Lives in: packages/controller/src/hosts/enrol.ts.
 * Seen to fail: without the comparison with the newest certificate in `repeat` the replay after a renewal is answered.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

async function recorded() {
  const lab = await startLab();
  const key = await generatePrivateKey();
  const request = enrollRequest(await newToken(lab), createCertificateRequest(key));
  const answer = await dial(lab).enroll(request);
  const chain = certificatesToPem(answer.certificate?.chain ?? []);
  return { lab, request, identity: { chain, key: privateKeyToPem(key) } };
}

it('a replay makes no second host, and what it gives is of no use without the key', async () => {
  const { lab, request, identity } = await recorded();
  const answer = await dial(lab).enroll(request);
  const chain = certificatesToPem(answer.certificate?.chain ?? []);
  expect(chain).toBe(identity.chain);
  expect(await lab.services.hosts.list()).toHaveLength(1);
  const own = privateKeyToPem(await generatePrivateKey());
  expect(() => createSecureContext({ cert: chain, key: own })).toThrow(/key values mismatch/);
});

it("with a key of one's own it is refused", async () => {
  const { lab, request } = await recorded();
  const certificateRequest = createCertificateRequest(await generatePrivateKey());
  await expect(dial(lab).enroll({ ...request, certificateRequest })).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
});

it('after the host has renewed, or was revoked, a replay is refused', async () => {
  const { lab, request, identity } = await recorded();
  await renewOver(lab, identity);
  await expect(dial(lab).enroll(request)).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
  await lab.services.hosts.revoke('web-1', '', OPERATOR);
  await expect(dial(lab).enroll(request)).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
});
