import { expect, test } from 'vitest';
import { isSoundEd25519Point } from './ed25519-points.ts';
import { generatePrivateKey, publicKeyInfo } from './keys.ts';

const P = 2n ** 255n - 19n;
const D = mod(-121665n * power(121666n, P - 2n));

function mod(value: bigint): bigint {
  return ((value % P) + P) % P;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; b = mod(b * b), e >>= 1n) if (e & 1n) result = mod(result * b);
  return result;
}

/** y of 2P from y of P: x only enters as x squared, which the curve's equation gives. */
function doubled(y: bigint): bigint {
  const yy = mod(y * y);
  const xx = mod((yy - 1n) * power(mod(D * yy + 1n), P - 2n));
  return mod((yy + xx) * power(mod(1n - D * xx * yy), P - 2n));
}

function littleEndian(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').toReversed() as Buffer;
}

const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

test('the points of small order, which doubling three times makes the neutral one, are refused with either sign', () => {
  for (const y of [0n, 1n, P - 1n, ORDER_8, P - ORDER_8]) {
    expect(doubled(doubled(doubled(y)))).toBe(1n);
    expect(isSoundEd25519Point(littleEndian(y))).toBe(false);
    expect(isSoundEd25519Point(littleEndian(y + 2n ** 255n))).toBe(false);
  }
});

test('a second spelling of a point is refused', () => {
  for (let y = P; y < 2n ** 255n; y += 1n) expect(isSoundEd25519Point(littleEndian(y))).toBe(false);
});

test('keys that are made for real are sound', async () => {
  for (let count = 0; count < 50; count += 1) {
    const spki = publicKeyInfo(await generatePrivateKey('ed25519'));
    expect(isSoundEd25519Point(spki.subarray(-32))).toBe(true);
  }
});
