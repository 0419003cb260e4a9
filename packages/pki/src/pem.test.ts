import { createHash } from 'node:crypto';
import { isTorchpassError } from '@torchpass/core';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { describeCertificate } from './describe.ts';
import { subjectAltName } from './extensions.ts';
import { generatePrivateKey, privateKeyToPem, publicKeyInfo } from './keys.ts';
import { EMPTY_NAME } from './name.ts';
import { certificatesFromPem, certificatesToPem } from './pem.ts';
import { pinOf } from './pin.ts';
import { openssl } from './testing/openssl.ts';
import { baseFields } from './testing/forging.ts';
import { forge, makeWorld, type World } from './testing/world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

test('a chain comes back in order, whatever stands around it', () => {
  const chain = [world.authorities.agent.certificate, world.root];
  const pem = certificatesToPem(chain);
  expect(certificatesFromPem(pem)).toEqual(chain);
  expect(certificatesFromPem(Buffer.from(`# agent authority\r\n${pem.replaceAll('\n', '\r\n')}\nend\n`))).toEqual(
    chain,
  );
  const { text } = openssl(['x509', '-in', '{pem}'], { pem });
  expect(certificatesFromPem(text)).toEqual(chain.slice(0, 1));
});

test('text that is not a chain of certificates is refused', async () => {
  const pem = certificatesToPem([world.root]);
  const cut = pem.slice(0, pem.length - 5);
  for (const [text, reason] of [
    ['', 'no certificate'],
    ['hello', 'no certificate'],
    [cut, 'cut off'],
    [pem + cut, 'cut off'],
    [privateKeyToPem(await generatePrivateKey()) + pem, 'a PRIVATE KEY where certificates belong'],
    [pem.replace(/\n.{4}/, '\n====='), 'not base64'],
    [certificatesToPem([Buffer.concat([world.root, Buffer.from([0])])]), 'after the end'],
    [certificatesToPem([Buffer.from('not DER')]), 'not valid'],
    [' '.repeat(1024 * 1024 + 1), 'longer than 1 MiB'],
  ] as const) {
    expect(() => certificatesFromPem(text)).toThrow(
      expect.objectContaining({ code: 'CERTIFICATE_INVALID', message: expect.stringContaining(reason) }),
    );
  }
});

test('a pin is the hash of the public key, as openssl and curl compute it', () => {
  const files = { pem: certificatesToPem([world.root]) };
  const { text } = openssl(['x509', '-in', '{pem}', '-noout', '-pubkey'], files);
  const { out } = openssl(['pkey', '-pubin', '-in', '{key}', '-outform', 'DER', '-out', '{out}'], { key: text });
  expect(pinOf(world.root)).toEqual(createHash('sha256').update(out).digest());
});

test('garbage is described as garbage', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(describable(bytes)).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

test('a foreign certificate is described too', () => {
  const { out } = openssl([
    'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '{key}', '-outform', 'DER', '-out', '{out}', '-days', '3',
    '-subj', '/C=DE/O=Other/CN=x', '-addext', 'subjectAltName=DNS:a.example.org,IP:2001:db8:0:0:1::7,email:a@b.org,URI:https://a.org',
  ]); // prettier-ignore
  expect(describeCertificate(out)).toMatchObject({
    spiffeId: undefined,
    dnsNames: ['a.example.org'],
    ipAddresses: ['2001:db8::1:0:0:7'],
    issuerName: '2.5.4.6=DE, O=Other, CN=x',
  });
});

test('a name that would end a line or a string elsewhere makes a certificate unreadable', async () => {
  const key = await generatePrivateKey();
  for (const name of ['a\nb.example.org', 'a.example.org\0.evil.org', 'a b', '']) {
    const der = forge(
      { ...baseFields(), issuer: EMPTY_NAME, subject: EMPTY_NAME, publicKey: publicKeyInfo(key) },
      [subjectAltName({ uris: [], dnsNames: [name], ipAddresses: [] }, true)],
      key,
    );
    expect(describable(der)).toBe(false);
  }
});

function describable(bytes: Uint8Array): boolean {
  try {
    describeCertificate(bytes);
    return true;
  } catch (error) {
    if (isTorchpassError(error, 'CERTIFICATE_INVALID')) return false;
    throw error;
  }
}
