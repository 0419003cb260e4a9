import { createCipheriv, createDecipheriv, hkdfSync, scrypt, timingSafeEqual, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { systemRandom, TorchpassError, type Random, type Secret } from '@torchpass/core';
import { privateKeyFromPkcs8 } from './keys.ts';
import { checkSealingParameters, STRONGEST_COST, type SealingParameters } from './sealing-parameters.ts';

export type { SealingParameters } from './sealing-parameters.ts';

/** Private keys at rest, under a key that comes from a passphrase. */
export interface Sealing {
  /** One line of text. `context` says what the key is for and must be given again: boxes cannot be swapped. */
  seal(key: KeyObject, context: string): string;
  /** KEY_SEAL_BROKEN when the box was damaged or belongs to another context. */
  unseal(box: string, context: string): KeyObject;
  /** 32 bytes for another purpose that only holders of the passphrase may serve; the same each time. */
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

/** Parameters for a new passphrase, to be stored as JSON beside the boxes, and the sealing that they give. */
export async function newSealing(
  passphrase: Secret,
  random: Random,
): Promise<{ parameters: SealingParameters; sealing: Sealing }> {
  if (passphrase.reveal() === '') {
    throw new TorchpassError('CONFIG_INVALID', 'The passphrase for the authority keys is empty.', {
      hint: 'Put a long random text into the passphrase file.',
    });
  }
  const salt = random.bytes(SALT_LENGTH);
  const keys = await deriveKeys(passphrase, salt, COST);
  const parameters = {
    kdf: 'scrypt' as const,
    ...COST,
    salt: salt.toString('base64'),
    check: keys.check.toString('base64'),
  };
  return { parameters, sealing: sealingWith(keys, random) };
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
  const { salt, check, ...cost } = checkSealingParameters(parameters);
  const keys = await deriveKeys(passphrase, salt, cost);
  if (!timingSafeEqual(keys.check, check)) {
    throw new TorchpassError('PASSPHRASE_WRONG', 'The passphrase does not open the authority keys.', {
      hint: 'Give the passphrase that was used when the authorities were made.',
    });
  }
  return sealingWith(keys, random);
}

const deriveWithScrypt = promisify<Buffer, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
);

interface Keys {
  /** Seals. */
  boxes: Buffer;
  /** Tells whether the passphrase was right. */
  check: Buffer;
  /** Any other. */
  expand: (purpose: string) => Buffer;
}

/** Keys that say nothing about each other (RFC 5869). */
async function deriveKeys(
  passphrase: Secret,
  salt: Buffer,
  { N, r, p }: { N: number; r: number; p: number },
): Promise<Keys> {
  const secret = Buffer.from(passphrase.reveal(), 'utf8');
  const root = await deriveWithScrypt(secret, salt, KEY_LENGTH, { N, r, p, maxmem: STRONGEST_COST.memory });
  const expand = (purpose: string) => Buffer.from(hkdfSync('sha256', root, '', purpose, KEY_LENGTH));
  return { boxes: expand('torchpass sealing key'), check: expand('torchpass passphrase check'), expand };
}

function sealingWith({ boxes: key, expand }: Keys, random: Random): Sealing {
  return {
    derive: (purpose) => expand(`torchpass derived: ${purpose}`),

    seal(privateKey, context) {
      const nonce = random.bytes(NONCE_LENGTH);
      const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_LENGTH });
      cipher.setAAD(Buffer.from(context, 'utf8'));
      const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
      const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      plain.fill(0);
      return BOX_PREFIX + sealed.toString('base64url');
    },

    unseal(box, context) {
      const plain = open(box, context);
      try {
        return privateKeyFromPkcs8(plain);
      } finally {
        plain.fill(0);
      }
    },
  };

  function open(box: string, context: string): Buffer {
    const bytes = Buffer.from(box.startsWith(BOX_PREFIX) ? box.slice(BOX_PREFIX.length).trimEnd() : '', 'base64url');
    if (bytes.length <= NONCE_LENGTH + TAG_LENGTH) throw broken(context);
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_LENGTH), { authTagLength: TAG_LENGTH });
    decipher.setAAD(Buffer.from(context, 'utf8'));
    decipher.setAuthTag(bytes.subarray(-TAG_LENGTH));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_LENGTH, -TAG_LENGTH)), decipher.final()]);
    } catch (error) {
      throw broken(context, error);
    }
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
