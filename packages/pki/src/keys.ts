import { createPrivateKey, createPublicKey, generateKeyPair, hash, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { TorchpassError } from '@torchpass/core';
import type { KeyAlgorithm } from './algorithms.ts';
import { readPublicKey } from './public-key.ts';

const generate = promisify(generateKeyPair);

/** A new private key, ECDSA P-256 unless asked otherwise. */
export async function generatePrivateKey(algorithm: KeyAlgorithm = 'ecdsa-p256'): Promise<KeyObject> {
  const { privateKey } =
    algorithm === 'ed25519' ? await generate('ed25519') : await generate('ec', { namedCurve: 'prime256v1' });
  return privateKey;
}

/**
 * DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) of a private or public key, in the one form that `readPublicKey` reads.
 * KEY_UNSUPPORTED for other kinds of keys.
 */
export function publicKeyInfo(key: KeyObject): Buffer {
  if (key.type === 'secret') throw new TorchpassError('KEY_UNSUPPORTED', 'A secret key has no public key.');
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  readPublicKey(spki);
  return spki;
}

/** Lower-case hex SHA-256 of a DER SubjectPublicKeyInfo. */
export function keyFingerprint(spki: Uint8Array): string {
  return hash('sha256', spki, 'hex');
}

/** A fingerprint for people to compare: `SHA256:` and base64 without padding, as OpenSSH writes them. `hex` is a `keyFingerprint`. */
export function fingerprintText(hex: string): string {
  return `SHA256:${Buffer.from(hex, 'hex').toString('base64').replace(/=+$/, '')}`;
}

/** PKCS#8 PEM (RFC 5958), not encrypted. */
export function privateKeyToPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Reads an unencrypted PEM private key of a kind that Torchpass makes. KEY_INVALID, KEY_UNSUPPORTED. */
export function privateKeyFromPem(pem: string | Uint8Array): KeyObject {
  return checkPrivateKey(() => createPrivateKey({ key: Buffer.from(pem), format: 'pem' }), 'The PEM text');
}

/** Reads a DER PKCS#8 private key of a kind that Torchpass makes. KEY_INVALID, KEY_UNSUPPORTED. */
export function privateKeyFromPkcs8(der: Uint8Array): KeyObject {
  return checkPrivateKey(
    () => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }),
    'The PKCS#8 structure',
  );
}

function checkPrivateKey(read: () => KeyObject, what: string): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (error) {
    throw new TorchpassError('KEY_INVALID', `${what} holds no private key that can be read.`, {
      cause: error,
      hint: 'Give an unencrypted private key of ECDSA P-256 or Ed25519.',
    });
  }
  publicKeyInfo(key);
  return key;
}
