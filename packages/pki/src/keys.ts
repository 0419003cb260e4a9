import type { KeyObject } from 'node:crypto';
import { notYet } from './not-yet.ts';

export type KeyAlgorithm = 'ecdsa-p256' | 'ed25519';

/** A new private key, ECDSA P-256 unless asked otherwise. */
export function generatePrivateKey(_algorithm: KeyAlgorithm = 'ecdsa-p256'): Promise<KeyObject> {
  return notYet();
}

/** DER SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) of a private or public key. */
export function publicKeyInfo(_key: KeyObject): Buffer {
  return notYet();
}

export function readPublicKey(_spki: Uint8Array): { key: KeyObject; algorithm: KeyAlgorithm } {
  return notYet();
}

/** Lower-case hex SHA-256 of a DER SubjectPublicKeyInfo. */
export function keyFingerprint(_spki: Uint8Array): string {
  return notYet();
}

/** PKCS#8 PEM, unencrypted. */
export function privateKeyToPem(_key: KeyObject): string {
  return notYet();
}

export function privateKeyFromPem(_pem: string | Uint8Array): KeyObject {
  return notYet();
}
