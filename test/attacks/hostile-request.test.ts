import { X509Certificate } from 'node:crypto';
import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { expect, it, vi } from 'vitest';
import { openssl } from '../../packages/pki/src/testing/openssl.ts';
import { dial, enrollOver, enrollRequest } from '../../packages/controller/src/testing/client.ts';
import { newToken } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';

/**
 * Attack: certificate requests with foreign names, a wish to be an authority, weak or reused keys, a wrong signature, thousands of names, hostile ASN.1.
 * Defence: a strict reader of bounded depth and size; of a request nothing is used but its key, and each key for one thing.
 * Lives in: packages/pki/src/csr.ts, pki/src/der-reader.ts, controller/src/issuance/issuance.ts.
 * Seen to fail: without `refuseAuthority` the second, without `isSignatureOf` the wrong signature, without the limits of size and of elements the thousands of names, without `isSameLine` in `reserve` the reused key.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

/** A request of OpenSSL's making. */
function made(key: readonly string[], ...more: string[]): Buffer {
  const fixed = [
    'req',
    '-new',
    '-nodes',
    '-keyout',
    '{key}',
    '-outform',
    'DER',
    '-out',
    '{out}',
    '-subj',
    '/CN=controller',
  ];
  return openssl([...fixed, ...key, ...more]).out;
}

const nested = (depth: number): Buffer =>
  Array.from({ length: depth }).reduce<Buffer>(
    (inner) => Buffer.concat([Buffer.from([0x30, 0x82, inner.length >> 8, inner.length & 255]), inner]),
    Buffer.from([0x05, 0x00]),
  );

const REFUSED: readonly [what: string, request: () => Buffer | Promise<Buffer>, code: string][] = [
  ['that asks to be an authority', () => made(EC, '-addext', 'basicConstraints=critical,CA:TRUE'), 'CSR_INVALID'],
  ['with an RSA key of 1024 bits', () => made(['-newkey', 'rsa:1024']), 'KEY_UNSUPPORTED'],
  [
    'with a key on a small curve',
    () => made(['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp224r1']),
    'KEY_UNSUPPORTED',
  ],
  [
    'with a wrong signature',
    async () => {
      const request = createCertificateRequest(await generatePrivateKey());
      request.writeUInt8(request.readUInt8(request.length - 1) ^ 1, request.length - 1);
      return request;
    },
    'CSR_INVALID',
  ],
  [
    'with a thousand names',
    () =>
      made(EC, '-addext', `subjectAltName=${Array.from({ length: 1000 }, (_, n) => `DNS:n${n}.example`).join(',')}`),
    'CSR_INVALID',
  ],
  ['of two thousand sequences in each other', () => nested(2000), 'CSR_INVALID'],
  ['of a length that is not there', () => Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x02]), 'CSR_INVALID'],
  ['of an indefinite length', () => Buffer.from([0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0]), 'CSR_INVALID'],
];

it.each(REFUSED)('a request %s is refused, and the token is as good as before', async (_what, request, code) => {
  const lab = await startLab();
  const token = await newToken(lab);
  await expect(dial(lab).enroll(enrollRequest(token, await request()))).rejects.toMatchObject({ code });
  expect(await lab.services.hosts.list()).toEqual([]);
  expect(await enrollOver(lab, token)).toHaveProperty('chain');
});

it('a request with names of others gets a certificate with none of them', async () => {
  const lab = await startLab();
  const names = 'URI:spiffe://torchpass.internal/controller,DNS:bank.example,IP:192.0.2.1,email:root@bank.example';
  const request = made(EC, '-addext', `subjectAltName=${names}`, '-addext', 'extendedKeyUsage=serverAuth');
  const answer = await dial(lab).enroll(enrollRequest(await newToken(lab), request));
  const leaf = new X509Certificate(answer.certificate?.chain[0] ?? '');
  expect(leaf.subjectAltName).toBe('URI:spiffe://torchpass.internal/agent/web-1');
  expect(leaf.subject ?? '').toBe('');
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(leaf.ca).toBe(false);
});

it('a key that another host has makes no second identity', async () => {
  const lab = await startLab();
  const request = createCertificateRequest(await generatePrivateKey());
  await dial(lab).enroll(enrollRequest(await newToken(lab), request, 'web-1'));
  await expect(dial(lab).enroll(enrollRequest(await newToken(lab), request, 'web-2'))).rejects.toMatchObject({
    code: 'KEY_REUSED',
  });
  expect((await lab.services.hosts.list()).map(({ name }) => name)).toEqual(['web-1']);
});
