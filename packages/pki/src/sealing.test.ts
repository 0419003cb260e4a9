import { Secret, systemRandom, type TorchpassError } from '@torchpass/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { generatePrivateKey, publicKeyInfo } from './keys.ts';
import { changePassphrase, newSealing, openSealing, type Sealing, type SealingParameters } from './sealing.ts';

const PASSPHRASE = 'correct horse battery staple';
let parameters: SealingParameters;
let sealing: Sealing;
beforeAll(async () => {
  ({ parameters, sealing } = await newSealing(new Secret(PASSPHRASE), systemRandom));
});

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'worked';
  } catch (error) {
    return (error as TorchpassError).code;
  }
}

test.each(['ecdsa-p256', 'ed25519'] as const)('a key of %s comes back after a restart', async (algorithm) => {
  const key = await generatePrivateKey(algorithm);
  const box = sealing.seal(key, 'authority 1');
  const stored = JSON.parse(JSON.stringify(parameters)) as SealingParameters;
  const reopened = await openSealing(new Secret(PASSPHRASE), stored);
  expect(publicKeyInfo(reopened.unseal(box, 'authority 1'))).toEqual(publicKeyInfo(key));
  expect(publicKeyInfo(sealing.unseal(reopened.seal(key, 'x'), 'x'))).toEqual(publicKeyInfo(key));
});

test('what is stored shows neither key nor passphrase, and no box is like another', async () => {
  const key = await generatePrivateKey();
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const boxes = [sealing.seal(key, 'a'), sealing.seal(key, 'a')];
  expect(boxes[0]).not.toBe(boxes[1]);
  for (const text of [...boxes, JSON.stringify(parameters)]) {
    expect(text).not.toContain('horse');
    expect(Buffer.from(text, 'base64url').includes(der.subarray(36, 68))).toBe(false);
    expect(text).not.toContain('\n');
  }
});

test('a wrong passphrase is told from damage', async () => {
  expect(await codeOf(() => openSealing(new Secret(`${PASSPHRASE} `), parameters))).toBe('PASSPHRASE_WRONG');
  expect(await codeOf(() => openSealing(new Secret(''), parameters))).toBe('PASSPHRASE_WRONG');
  expect(await codeOf(() => newSealing(new Secret(''), systemRandom))).toBe('CONFIG_INVALID');
});

test('a derived key is the same after a restart, and another for each purpose and passphrase', async () => {
  const reopened = await openSealing(new Secret(PASSPHRASE), parameters);
  const { sealing: other } = await newSealing(new Secret('another'), systemRandom);
  expect(reopened.derive('audit log')).toEqual(sealing.derive('audit log'));
  expect(sealing.derive('audit log')).not.toEqual(sealing.derive('backup'));
  expect(sealing.derive('audit log')).not.toEqual(other.derive('audit log'));
});

test('after a change of passphrase the old one opens nothing, and boxes and derived keys are as before', async () => {
  const key = await generatePrivateKey();
  const box = sealing.seal(key, 'authority 1');
  const next = new Secret('another');
  const changed = await changePassphrase(parameters, { old: new Secret(PASSPHRASE), new: next }, systemRandom);
  const reopened = await openSealing(next, changed);
  expect(publicKeyInfo(reopened.unseal(box, 'authority 1'))).toEqual(publicKeyInfo(key));
  expect(reopened.derive('audit log')).toEqual(sealing.derive('audit log'));
  expect(changed.salt).not.toBe(parameters.salt);
  expect(await codeOf(() => openSealing(new Secret(PASSPHRASE), changed))).toBe('PASSPHRASE_WRONG');
  expect(await codeOf(() => changePassphrase(changed, { old: new Secret('x'), new: next }, systemRandom))).toBe(
    'PASSPHRASE_WRONG',
  );
  const empty = { old: next, new: new Secret('') };
  expect(await codeOf(() => changePassphrase(changed, empty, systemRandom))).toBe('CONFIG_INVALID');
});

test('a data key of another installation does not pass for this one', async () => {
  const { parameters: other } = await newSealing(new Secret('other'), systemRandom);
  const mixed = { ...parameters, key: other.key };
  expect(await codeOf(() => openSealing(new Secret(PASSPHRASE), mixed))).toBe('KEY_SEAL_BROKEN');
});

describe('a box that cannot be trusted', () => {
  test('because it belongs to another authority', async () => {
    const box = sealing.seal(await generatePrivateKey(), 'authority 1');
    expect(await codeOf(() => sealing.unseal(box, 'authority 2'))).toBe('KEY_SEAL_BROKEN');
  });

  test('because any character of it was changed, or it was cut', async () => {
    const box = sealing.seal(await generatePrivateKey('ed25519'), 'a');
    const variants = Array.from(box, (character, at) => [
      box.slice(0, at),
      // The last character of base64 holds bits that mean nothing; its highest bit does.
      box.slice(0, at) + flippedInBase64(character) + box.slice(at + 1),
    ]).flat();
    for (const variant of variants) expect(await codeOf(() => sealing.unseal(variant, 'a'))).toBe('KEY_SEAL_BROKEN');
  });

  test('because it was sealed by another installation with the same passphrase', async () => {
    const other = await newSealing(new Secret(PASSPHRASE), systemRandom);
    const box = other.sealing.seal(await generatePrivateKey(), 'a');
    expect(await codeOf(() => sealing.unseal(box, 'a'))).toBe('KEY_SEAL_BROKEN');
  });
});

test.each([
  ['a cost that is too low', { N: 1024 }],
  ['a cost that would take the machine down', { N: 2 ** 30 }],
  ['a cost that is no power of two', { N: 2 ** 17 + 1 }],
  ['a huge block size', { r: 4096 }],
  ['a huge parallelism', { p: 1_000_000 }],
  ['another function', { kdf: 'md5' }],
  ['no salt', { salt: '' }],
  ['a salt that is no text', { salt: 5 }],
  ['a check that is cut', { check: 'AAAA' }],
  ['no data key', { key: undefined }],
  ['a data key that is cut', { key: 'AAAA' }],
  ['a cost that is no number', { N: '131072' }],
])('parameters with %s are refused before any work', async (_, changes) => {
  const damaged = { ...parameters, ...changes } as SealingParameters;
  expect(await codeOf(() => openSealing(new Secret(PASSPHRASE), damaged))).toBe('KEY_SEAL_BROKEN');
});

function flippedInBase64(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(character) ^ 32] ?? '!';
}
