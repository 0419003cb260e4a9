import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { isTorchpassError } from '@torchpass/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { generatePrivateKey, keyFingerprint, privateKeyFromPem, privateKeyToPem, publicKeyInfo } from './keys.ts';
import { readPublicKey } from './public-key.ts';

test.each(['ecdsa-p256', 'ed25519'] as const)(
  'a key of %s survives PEM and shows the same public key',
  async (algorithm) => {
    const key = await generatePrivateKey(algorithm);
    const spki = publicKeyInfo(key);
    const pem = privateKeyToPem(key);
    expect(publicKeyInfo(privateKeyFromPem(pem))).toEqual(spki);
    expect(publicKeyInfo(privateKeyFromPem(Buffer.from(pem)))).toEqual(spki);
    expect(publicKeyInfo(createPublicKey(key))).toEqual(spki);
    expect(readPublicKey(spki)).toMatchObject({ algorithm });
    expect(keyFingerprint(spki)).toMatch(/^[0-9a-f]{64}$/);
  },
);

test('private keys that Torchpass does not use are named so', async () => {
  const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
  for (const { privateKey } of [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
    generateKeyPairSync('x25519'),
  ]) {
    expect(() => privateKeyFromPem(pemOf(privateKey))).toThrow(expect.objectContaining({ code: 'KEY_UNSUPPORTED' }));
  }
  expect(() => publicKeyInfo(createSecretKey(Buffer.alloc(32)))).toThrow(
    expect.objectContaining({ code: 'KEY_UNSUPPORTED' }),
  );
});

test('text that is no private key is refused without being repeated', async () => {
  const pem = privateKeyToPem(await generatePrivateKey());
  const encrypted = (await generatePrivateKey())
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  const half = pem.slice(0, pem.length / 2);
  for (const text of ['', 'nonsense', half, encrypted]) {
    expect(() => privateKeyFromPem(text)).toThrow(
      expect.objectContaining({ code: 'KEY_INVALID', message: expect.not.stringContaining(pem.slice(40, 60)) }),
    );
  }
});

test('a public key is read in one spelling only: any flipped bit gives another key or a refusal', async () => {
  for (const algorithm of ['ecdsa-p256', 'ed25519'] as const) {
    const spki = publicKeyInfo(await generatePrivateKey(algorithm));
    for (let bit = 0; bit < spki.length * 8; bit += 1) {
      const flipped = Buffer.from(spki);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const read = readOrUndefined(flipped);
      expect(read === undefined ? flipped : publicKeyInfo(read.key)).toEqual(flipped);
    }
  }
});

test('random bytes are no key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      expect(readOrUndefined(bytes)).toBeUndefined();
    }),
    { numRuns: 3000 },
  );
});

test('a buffer that is changed after it was read is read anew', async () => {
  const buffer = Buffer.from(publicKeyInfo(await generatePrivateKey()));
  readPublicKey(buffer);
  buffer[buffer.length - 1] = (buffer.at(-1) ?? 0) ^ 1;
  expect(readOrUndefined(buffer)).toBeUndefined();
});

function readOrUndefined(spki: Uint8Array) {
  try {
    return readPublicKey(spki);
  } catch (error) {
    if (isTorchpassError(error, 'KEY_INVALID', 'KEY_UNSUPPORTED')) return undefined;
    throw error;
  }
}
