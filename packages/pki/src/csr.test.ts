// oxlint-disable-next-line import/no-unassigned-import -- the generator's decorators need it in place
import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, sign, webcrypto, createPublicKey, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { isTorchpassError, type ErrorCode } from '@torchpass/core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createCertificateRequest, readCertificateRequest } from './csr.ts';
import { bitString, contextConstructed, element, objectIdentifier, sequence, smallInteger, TAG } from './der.ts';
import { DerReader } from './der-reader.ts';
import { EMPTY_NAME } from './name.ts';
import { generatePrivateKey, keyFingerprint, publicKeyInfo } from './keys.ts';
import { OID } from './oids.ts';
import { openssl } from './testing/openssl.ts';

const EXPECTED_CODES: readonly ErrorCode[] = ['CSR_INVALID', 'KEY_INVALID', 'KEY_UNSUPPORTED'];

/** Reads, or gives the code; anything but the three expected errors fails the test. */
function outcome(der: Uint8Array): ErrorCode | 'read' {
  try {
    readCertificateRequest(der);
    return 'read';
  } catch (error) {
    if (isTorchpassError(error, ...EXPECTED_CODES)) return error.code;
    throw error;
  }
}

/** A request built by hand around any key, with any attributes. */
function request(spki: Uint8Array, key: KeyObject, attributes: Uint8Array = element(contextConstructed(0))): Buffer {
  const info = sequence(smallInteger(0), EMPTY_NAME, spki, attributes);
  return sequence(info, sequence(objectIdentifier(OID.ecdsaWithSha256)), bitString(sign('sha256', info, key)));
}

const spkiOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' });

async function withPeculiar(extensions: x509.Extension[], name = '', attributes: x509.Attribute[] = []) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm,
    extensions,
    attributes,
  });
  return { der: Buffer.from(made.rawData), spki: Buffer.from(made.publicKey.rawData) };
}

let good: Buffer;
let key: KeyObject;
beforeAll(async () => {
  key = await generatePrivateKey();
  good = createCertificateRequest(key);
});

describe('a request that is made here', () => {
  test.each(['ecdsa-p256', 'ed25519'] as const)('of %s reads back and verifies in OpenSSL', async (algorithm) => {
    const privateKey = await generatePrivateKey(algorithm);
    const der = createCertificateRequest(privateKey);
    const publicKey = publicKeyInfo(privateKey);
    expect(readCertificateRequest(der)).toEqual({ publicKey, algorithm, fingerprint: keyFingerprint(publicKey) });
    const { text } = openssl(['req', '-inform', 'DER', '-in', '{csr}', '-verify', '-noout', '-text'], { csr: der });
    expect(text).toContain('Subject:');
  });
});

describe('requests of other tools', () => {
  test.each([
    ['P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'ecdsa-p256'],
    ['Ed25519', ['-newkey', 'ed25519'], 'ed25519'],
  ] as const)('openssl, %s, with names', (_, options, algorithm) => {
    const { out } = openssl([
      'req', '-new', ...options, '-nodes', '-keyout', '{key}', '-outform', 'DER', '-out', '{out}', '-subj', '/C=DE/O=Ümläut/CN=web1',
      '-utf8', '-addext', 'subjectAltName=DNS:evil.example.org,URI:spiffe://other/controller', '-addext', 'basicConstraints=CA:FALSE',
    ]); // prettier-ignore
    expect(readCertificateRequest(out).algorithm).toBe(algorithm);
  });

  test('Go-style: subject, extension request with names', async () => {
    const { der, spki } = await withPeculiar(
      [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'web1.example.org' }])],
      'CN=web1',
    );
    expect(readCertificateRequest(der).publicKey).toEqual(spki);
  });

  test('GnuTLS-style: challenge password, key usage, purposes, critical CA:FALSE', async () => {
    const { der, spki } = await withPeculiar(
      [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([OID.serverAuth, OID.clientAuth]),
      ],
      'CN=web1, O=Example, C=DE',
      [new x509.ChallengePasswordAttribute('secret')],
    );
    expect(readCertificateRequest(der).publicKey).toEqual(spki);
  });

  test('without the list of attributes, which some old tools leave out', () => {
    const info = sequence(smallInteger(0), EMPTY_NAME, publicKeyInfo(key));
    const signature = bitString(sign('sha256', info, key));
    expect(outcome(sequence(info, sequence(objectIdentifier(OID.ecdsaWithSha256)), signature))).toBe('read');
  });
});

describe('requests that are refused', () => {
  test('to become an authority', async () => {
    const { der } = await withPeculiar([new x509.BasicConstraintsExtension(true, 0, true)]);
    expect(() => readCertificateRequest(der)).toThrow('it asks to become an authority');
  });

  test('to become an authority, under the older name of the attribute, in a second value', () => {
    const ask = (ca: boolean) =>
      sequence(
        sequence(
          objectIdentifier(OID.basicConstraints),
          element(TAG.octetString, sequence(...(ca ? [element(TAG.boolean, Buffer.from([0xff]))] : []))),
        ),
      );
    const attribute = sequence(
      objectIdentifier(OID.microsoftExtensionRequest),
      element(TAG.set, ask(false), ask(true)),
    );
    const der = request(publicKeyInfo(key), key, element(contextConstructed(0), attribute));
    expect(() => readCertificateRequest(der)).toThrow('it asks to become an authority');
  });

  test('with a signature by another key', async () => {
    const other = await generatePrivateKey();
    expect(() => readCertificateRequest(request(publicKeyInfo(other), key))).toThrow('its signature is wrong');
  });

  test('with the signature of another request by the same key', () => {
    const attribute = sequence(objectIdentifier(OID.commonName), element(TAG.set));
    const another = request(publicKeyInfo(key), key, element(contextConstructed(0), attribute));
    const body = sequence(smallInteger(0), EMPTY_NAME, publicKeyInfo(key), element(contextConstructed(0)));
    const outer = new DerReader(another, { code: 'INTERNAL', claim: 'The test is wrong' }).enter(TAG.sequence, 'it');
    outer.next();
    expect(() => readCertificateRequest(sequence(body, outer.next().whole, outer.next().whole))).toThrow(
      'its signature is wrong',
    );
  });

  test.each([
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' })],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'secp521r1' })],
    ['P-192', () => generateKeyPairSync('ec', { namedCurve: 'prime192v1' })],
    ['secp256k1', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' })],
    [
      'explicit curve parameters',
      () => generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' }),
    ],
    ['Ed448', () => generateKeyPairSync('ed448')],
    ['X25519', () => generateKeyPairSync('x25519')],
  ])('with a key of %s', (_, generate) => {
    expect(outcome(request(spkiOf(generate().publicKey), key))).toBe('KEY_UNSUPPORTED');
  });

  test('with a compressed point, though its signature is right', () => {
    const spki = publicKeyInfo(key);
    const x = spki.subarray(27, 59);
    const point = Buffer.concat([Buffer.from([0x02 | ((spki.at(-1) ?? 0) & 1)]), x]);
    const compressed = sequence(spki.subarray(2, 23), bitString(point));
    expect(createPublicKey({ key: compressed, format: 'der', type: 'spki' }).asymmetricKeyType).toBe('ec');
    expect(outcome(request(compressed, key))).toBe('KEY_UNSUPPORTED');
  });

  test('with a point that is not on the curve', () => {
    const spki = Buffer.from(publicKeyInfo(key));
    spki[spki.length - 1] = (spki.at(-1) ?? 0) ^ 1;
    expect(outcome(request(spki, key))).toBe('KEY_INVALID');
  });

  test('with an Ed25519 key of small order, for which anybody can make a signature', () => {
    const identity = Buffer.alloc(32);
    identity[0] = 1;
    const algorithm = sequence(objectIdentifier(OID.ed25519));
    const info = sequence(
      smallInteger(0),
      EMPTY_NAME,
      sequence(algorithm, bitString(identity)),
      element(contextConstructed(0)),
    );
    // R is the identity, S is zero.
    const forged = Buffer.concat([identity, Buffer.alloc(32)]);
    expect(outcome(sequence(info, algorithm, bitString(forged)))).toBe('KEY_INVALID');
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['an indefinite length', Buffer.from([0x30, 0x80, 0, 0])],
    ['a length of gigabytes', Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff])],
    ['a length of 126 octets', Buffer.alloc(200, 0xfe).fill(0x30, 0, 1)],
    ['a length that is not minimal', Buffer.from([0x30, 0x81, 0x03, 0x02, 0x01, 0x00])],
    ['a large tag number', Buffer.from([0x3f, 0x81, 0x01, 0x00])],
    ['thousands of nested sequences', nested(2000)],
    ['more than 8 KiB', element(TAG.sequence, Buffer.alloc(8200))],
    ['thousands of tiny elements', sequence(...Array.from({ length: 4000 }, () => element(TAG.null)))],
  ])('made of %s', (_, der) => {
    expect(outcome(der)).toBe('CSR_INVALID');
  });

  test('with something after its end', () => {
    expect(outcome(Buffer.concat([good, Buffer.from([0])]))).toBe('CSR_INVALID');
    expect(outcome(Buffer.concat([good, element(TAG.null)]))).toBe('CSR_INVALID');
  });

  test.each([
    ['nested deeply', nested(200)],
    ['of thousands of parts', Buffer.concat(Array.from({ length: 3000 }, () => element(TAG.null)))],
    ['that is not DER', Buffer.from([0x05, 0x81, 0x00])],
  ])('with a value %s in an attribute that nobody reads, though its signature is right', (_, value) => {
    const attribute = sequence(objectIdentifier(OID.commonName), element(TAG.set, value));
    expect(outcome(request(publicKeyInfo(key), key, element(contextConstructed(0), attribute)))).toBe('CSR_INVALID');
  });
});

test('names that are asked for, even hundreds, change nothing', async () => {
  const names = Array.from({ length: 300 }, (_, index) => ({ type: 'dns' as const, value: `n${index}.example.org` }));
  const { der, spki } = await withPeculiar([new x509.SubjectAlternativeNameExtension(names)], 'CN=controller');
  expect(Object.keys(readCertificateRequest(der)).toSorted()).toEqual(['algorithm', 'fingerprint', 'publicKey']);
  expect(readCertificateRequest(der).publicKey).toEqual(spki);
});

test('thousands of names are too large', async () => {
  const names = Array.from({ length: 3000 }, (_, index) => ({ type: 'dns' as const, value: `n${index}.example.org` }));
  const { der } = await withPeculiar([new x509.SubjectAlternativeNameExtension(names)]);
  expect(() => readCertificateRequest(der)).toThrow('larger than 8 KiB');
});

describe('fuzzing', () => {
  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(outcome(bytes)).not.toBe('read');
      }),
      { numRuns: 3000 },
    );
  });

  test('random bytes in a well-formed shell', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 80 }), (inner, tail) => {
        const info = sequence(smallInteger(0), EMPTY_NAME, publicKeyInfo(key), inner);
        const der = sequence(info, sequence(objectIdentifier(OID.ecdsaWithSha256)), bitString(tail));
        expect(outcome(der)).toBe('CSR_INVALID');
      }),
      { numRuns: 1000 },
    );
  });

  test('every bit flipped, in a plain request and in one with extensions', async () => {
    const { der: rich } = await withPeculiar(
      [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'web1.example.org' }])],
      'CN=web1',
    );
    for (const der of [good, rich]) {
      for (let bit = 0; bit < der.length * 8; bit += 1) {
        const flipped = Buffer.from(der);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(outcome(flipped), `bit ${bit}`).not.toBe('read');
      }
    }
  });

  test('every truncation, and bytes removed or doubled anywhere', () => {
    for (let at = 0; at < good.length; at += 1) {
      expect(outcome(good.subarray(0, at))).not.toBe('read');
      expect(outcome(Buffer.concat([good.subarray(0, at), good.subarray(at + 1)]))).not.toBe('read');
      expect(outcome(Buffer.concat([good.subarray(0, at), good.subarray(at, at + 1), good.subarray(at)]))).not.toBe(
        'read',
      );
    }
  });
});

test('a private key that is a certificate request elsewhere is not accepted here', () => {
  expect(
    outcome(createPrivateKey(key.export({ type: 'pkcs8', format: 'pem' })).export({ type: 'pkcs8', format: 'der' })),
  ).toBe('CSR_INVALID');
});

function nested(depth: number): Buffer {
  let der = element(TAG.null);
  for (let level = 0; level < depth; level += 1) der = sequence(der);
  return der.length > 8192 ? der.subarray(0, 8192) : der;
}
