import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { p256PublicKeyInfo, p256SignatureValue } from './ecdsa-p256.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

it('signatures as tokens give them become what X.509 verifies', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (message) => {
      const raw = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      expect(verify('sha256', message, publicKey, p256SignatureValue(raw))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

it('the integers are as short as they can be, and positive', () => {
  const raw = Buffer.alloc(64);
  expect(p256SignatureValue(raw).toString('hex')).toBe('3006020100020100');
  raw.writeUInt8(0x80, 31);
  raw.writeUInt8(0x7f, 63);
  expect(p256SignatureValue(raw).toString('hex')).toBe('30070202008002017f');
  expect(() => p256SignatureValue(raw.subarray(1))).toThrow('63 bytes');
});

it('a point becomes the public key that it is; one beside the curve is refused', () => {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const point = Buffer.from(spki.subarray(-65));
  expect(p256PublicKeyInfo(point)).toEqual(spki);
  expect(createPublicKey({ key: p256PublicKeyInfo(point), format: 'der', type: 'spki' }).equals(publicKey)).toBe(true);
  point.writeUInt8((point[64] ?? 0) ^ 1, 64);
  expect(() => p256PublicKeyInfo(point)).toThrow('curve');
});
