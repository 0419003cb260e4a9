import { createCipheriv, createDecipheriv, hkdfSync, scrypt, timingSafeEqual, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { systemRandom, TorchpassError, type Random, type Secret } from '@torchpass/core';
import { privateKeyFromPkcs8 } from './keys.ts';
import { checkSealingParameters, STRONGEST_COST, type SealingParameters } from './sealing-parameters.ts';

export type { SealingParameters } from './sealing-parameters.ts';

/**
 * Private keys at rest, under a random data key that the passphrase wraps: a change of passphrase wraps it anew and touches
 * nothing else.
 */
export interface Sealing {
  /** One line of text. `context` says what the key is for and must be given again: boxes cannot be swapped. */
  seal(key: KeyObject, context: string): string;
  /** KEY_SEAL_BROKEN when the box was damaged or belongs to another context. */
  unseal(box: string, context: string): KeyObject;
  /** 32 bytes for another purpose that only holders of the passphrase may serve; the same each time, whatever the passphrase becomes. */
  derive(purpose: string): Buffer;
}

/** RFC 7914; about 0.4 s and 128 MiB. */
const COST = { N: 2 ** 17, r: 8, p: 1 } as const;
const SALT_LENGTH = 32;
const KEY_LENGTH = 32;
/** AES-256-GCM (NIST SP 800-38D): random 96-bit nonces are good for far more boxes than there are authorities. */
const CIPHER = 'aes-256-gcm';
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const BOX_PREFIX = 'tpbox1.';
const DATA_KEY_CONTEXT = 'data key';

/** A new installation's data key under a passphrase: parameters to be stored as JSON beside the boxes, and the sealing. */
export async function newSealing(
  passphrase: Secret,
  random: Random,
): Promise<{ parameters: SealingParameters; sealing: Sealing }> {
  const dataKey = random.bytes(KEY_LENGTH);
  return { parameters: await wrap(dataKey, passphrase, random), sealing: sealingWith(dataKey, random) };
}

/**
 * The sealing of stored parameters. PASSPHRASE_WRONG; KEY_SEAL_BROKEN when the parameters are damaged, or so weak or
 * so costly that they cannot be ours.
 */
export async function openSealing(
  passphrase: Secret,
  parameters: SealingParameters,
  random: Random = systemRandom,
): Promise<Sealing> {
  return sealingWith(await unwrap(passphrase, parameters), random);
}

/**
 * The parameters for the same data key under another passphrase: every box stays as it is. CONFIG_INVALID when the new one is
 * empty; PASSPHRASE_WRONG and KEY_SEAL_BROKEN as `openSealing`.
 */
export async function changePassphrase(
  parameters: SealingParameters,
  passphrases: { old: Secret; new: Secret },
  random: Random,
): Promise<SealingParameters> {
  const dataKey = await unwrap(passphrases.old, parameters);
  try {
    return await wrap(dataKey, passphrases.new, random);
  } finally {
    dataKey.fill(0);
  }
}

async function wrap(dataKey: Buffer, passphrase: Secret, random: Random): Promise<SealingParameters> {
  if (passphrase.reveal() === '') {
    throw new TorchpassError('CONFIG_INVALID', 'The passphrase for the authority keys is empty.', {
      hint: 'Give a long random text.',
    });
  }
  const salt = random.bytes(SALT_LENGTH);
  const { wrapping, check } = await deriveKeys(passphrase, salt, COST);
  return {
    kdf: 'scrypt',
    ...COST,
    salt: salt.toString('base64'),
    check: check.toString('base64'),
    key: sealBytes(dataKey, wrapping, DATA_KEY_CONTEXT, random).toString('base64'),
  };
}

async function unwrap(passphrase: Secret, parameters: SealingParameters): Promise<Buffer> {
  const { salt, check, key, ...cost } = checkSealingParameters(parameters);
  const derived = await deriveKeys(passphrase, salt, cost);
  if (!timingSafeEqual(derived.check, check)) {
    throw new TorchpassError('PASSPHRASE_WRONG', 'The passphrase does not open the authority keys.', {
      hint: 'Give the passphrase that was used when the authorities were made, or the one that it was changed to.',
    });
  }
  const dataKey = openBytes(key, derived.wrapping, DATA_KEY_CONTEXT);
  if (dataKey.length !== KEY_LENGTH) throw broken(DATA_KEY_CONTEXT);
  return dataKey;
}

const deriveWithScrypt = promisify<Buffer, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
);

/** Two keys that say nothing about each other (RFC 5869): one wraps, one tells whether the passphrase was right. */
async function deriveKeys(passphrase: Secret, salt: Buffer, { N, r, p }: { N: number; r: number; p: number }) {
  const secret = Buffer.from(passphrase.reveal(), 'utf8');
  const root = await deriveWithScrypt(secret, salt, KEY_LENGTH, { N, r, p, maxmem: STRONGEST_COST.memory });
  return { wrapping: expand(root, 'torchpass wrapping key'), check: expand(root, 'torchpass passphrase check') };
}

function expand(key: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', purpose, KEY_LENGTH));
}

function sealingWith(dataKey: Buffer, random: Random): Sealing {
  const boxes = expand(dataKey, 'torchpass sealing key');
  return {
    derive: (purpose) => expand(dataKey, `torchpass derived: ${purpose}`),

    seal(privateKey, context) {
      const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
      try {
        return BOX_PREFIX + sealBytes(plain, boxes, context, random).toString('base64url');
      } finally {
        plain.fill(0);
      }
    },

    unseal(box, context) {
      const sealed = box.startsWith(BOX_PREFIX) ? box.slice(BOX_PREFIX.length).trimEnd() : '';
      const plain = openBytes(Buffer.from(sealed, 'base64url'), boxes, context);
      try {
        return privateKeyFromPkcs8(plain);
      } finally {
        plain.fill(0);
      }
    },
  };
}

function sealBytes(plain: Buffer, key: Buffer, context: string, random: Random): Buffer {
  const nonce = random.bytes(NONCE_LENGTH);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_LENGTH });
  cipher.setAAD(Buffer.from(context, 'utf8'));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function openBytes(sealed: Buffer, key: Buffer, context: string): Buffer {
  if (sealed.length <= NONCE_LENGTH + TAG_LENGTH) throw broken(context);
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_LENGTH), { authTagLength: TAG_LENGTH });
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(sealed.subarray(-TAG_LENGTH));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_LENGTH, -TAG_LENGTH)), decipher.final()]);
  } catch (error) {
    throw broken(context, error);
  }
}

function broken(context: string, cause?: unknown): TorchpassError {
  return new TorchpassError(
    'KEY_SEAL_BROKEN',
    `The sealed private key for "${context}" is damaged or of another place.`,
    {
      cause,
      hint: 'Restore it from a backup.',
    },
  );
}
