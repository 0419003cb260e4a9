import type { Random, Secret } from '@torchpass/core';
import { TorchpassError } from '@torchpass/core';
import { createCipheriv, createDecipheriv, hkdfSync, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { brokenBackup, HEADER_PREFIX, headerDigest, headerLength, readHeader, renderHeader } from './header.ts';
import { Intake } from './intake.ts';

/**
 * A stream under a passphrase, in chunks of 64 KiB: STREAM of Hoang, Reyhanitabar, Rogaway and Vizár (CRYPTO 2015) over
 * AES-256-GCM. The nonce of a chunk is its number and whether it is the last, so that chunks can be neither changed, swapped,
 * repeated nor cut off. The key is of this file alone: its salt is random, and the header goes into it.
 */
export async function* encrypt(
  plain: AsyncIterable<Uint8Array>,
  passphrase: Secret,
  random: Random,
): AsyncGenerator<Buffer, void> {
  const salt = random.bytes(KEY_LENGTH);
  const root = await deriveRoot(passphrase, salt, COST);
  const check = expand(root, CHECK).toString('base64');
  const header = renderHeader({ kdf: 'scrypt', ...COST, salt: salt.toString('base64'), check });
  const key = expand(root, `torchpass backup ${headerDigest(header)}`);
  yield header;
  const intake = new Intake(plain);
  for (let number = 0, last = false; !last; number += 1) {
    const chunk = await intake.upTo(CHUNK);
    last = await intake.atEnd();
    const cipher = createCipheriv(CIPHER, key, nonceOf(number, last), { authTagLength: TAG_LENGTH });
    yield Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
  }
}

/** The same backwards. Every byte that comes out is authentic; that it was all of it is known at the end. `BACKUP_BROKEN`, `PASSPHRASE_WRONG`. */
export async function* decrypt(sealed: AsyncIterable<Uint8Array>, passphrase: Secret): AsyncGenerator<Buffer, void> {
  const intake = new Intake(sealed);
  const prefix = await intake.upTo(HEADER_PREFIX);
  const json = await intake.upTo(headerLength(prefix));
  const { header, salt, check } = readHeader(json);
  const root = await deriveRoot(passphrase, salt, header);
  if (!timingSafeEqual(expand(root, CHECK), check)) {
    throw new TorchpassError('PASSPHRASE_WRONG', 'The passphrase does not open this backup.', {
      hint: 'Give the passphrase that it was made with, in a file: --passphrase-file FILE. If it is that one, the beginning of the backup is damaged.',
    });
  }
  const key = expand(root, `torchpass backup ${headerDigest(Buffer.concat([prefix, json]))}`);
  for (let number = 0, last = false; !last; number += 1) {
    const chunk = await intake.upTo(CHUNK + TAG_LENGTH);
    last = await intake.atEnd();
    yield openChunk(chunk, key, number, last);
  }
}

export const CHUNK = 64 * 1024;
const COST = { N: 2 ** 17, r: 8, p: 1 } as const;
const MOST_MEMORY = 2 ** 30 + 2 ** 26;
const CIPHER = 'aes-256-gcm';
const KEY_LENGTH = 32;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const CHECK = 'torchpass backup check';

function openChunk(chunk: Buffer, key: Buffer, number: number, last: boolean): Buffer {
  if (chunk.length < TAG_LENGTH) throw brokenBackup('its end is missing');
  const decipher = createDecipheriv(CIPHER, key, nonceOf(number, last), { authTagLength: TAG_LENGTH });
  decipher.setAuthTag(chunk.subarray(-TAG_LENGTH));
  try {
    return Buffer.concat([decipher.update(chunk.subarray(0, -TAG_LENGTH)), decipher.final()]);
  } catch (error) {
    throw brokenBackup(`it is damaged or cut off in its chunk ${number + 1}`, error);
  }
}

function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_LENGTH);
  nonce.writeUIntBE(number, NONCE_LENGTH - 7, 6);
  nonce.writeUInt8(last ? 1 : 0, NONCE_LENGTH - 1);
  return nonce;
}

const deriveWithScrypt = promisify<Buffer, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
);

function deriveRoot(passphrase: Secret, salt: Buffer, { N, r, p }: { N: number; r: number; p: number }) {
  return deriveWithScrypt(Buffer.from(passphrase.reveal(), 'utf8'), salt, KEY_LENGTH, { N, r, p, maxmem: MOST_MEMORY });
}

/** Keys that say nothing about each other (RFC 5869). */
function expand(root: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', root, '', purpose, KEY_LENGTH));
}
