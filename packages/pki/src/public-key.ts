import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import { TorchpassError } from '@torchpass/core';
import { objectIdentifier, sequence, TAG } from './der.ts';
import { DerReader, refusal, type Origin } from './der-reader.ts';
import { isSoundEd25519Point } from './ed25519-points.ts';
import type { KeyAlgorithm } from './algorithms.ts';
import { OID } from './oids.ts';
import { remembering } from './remembering.ts';

export interface PublicKey {
  key: KeyObject;
  algorithm: KeyAlgorithm;
}

/** DER AlgorithmIdentifiers: RFC 5480, 2.1.1 (named curve), and RFC 8410, 3. */
const P256_IDENTIFIER = sequence(objectIdentifier(OID.ecPublicKey), objectIdentifier(OID.prime256v1));
const ED25519_IDENTIFIER = sequence(objectIdentifier(OID.ed25519));

const P256_COMPRESSED_LENGTH = 33;
const P256_UNCOMPRESSED_LENGTH = 65;
const UNCOMPRESSED = 0x04;

const ORIGIN: Origin = { code: 'KEY_INVALID', claim: 'The public key is not valid' };

/** A host sends its key, then its key is certified: the same bytes are read several times within a second. */
const known = remembering(512, (spki): PublicKey & { identifier: Buffer } => {
  const { algorithm, point } = checkForm(spki);
  const identifier = hash('sha256', point, 'buffer').subarray(0, 20);
  return { key: importKey(spki), algorithm, identifier };
});

/**
 * Reads a DER SubjectPublicKeyInfo: P-256 as a named curve with an uncompressed point (RFC 5480), or Ed25519 (RFC 8410),
 * and no other spelling of them. KEY_UNSUPPORTED for other kinds and forms, KEY_INVALID for what is no key.
 */
export function readPublicKey(spki: Uint8Array): PublicKey {
  const { key, algorithm } = known(spki);
  return { key, algorithm };
}

/**
 * The identifier of a key that `readPublicKey` reads: SHA-256 of its BIT STRING, leftmost 160 bits (RFC 7093, 2, method 1).
 */
export function keyIdentifier(spki: Uint8Array): Buffer {
  return known(spki).identifier;
}

function importKey(spki: Uint8Array): KeyObject {
  try {
    // OpenSSL checks here that a P-256 point is on the curve.
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (error) {
    throw refusal(ORIGIN, 'its point is not on the curve', error);
  }
}

function checkForm(spki: Uint8Array): { algorithm: KeyAlgorithm; point: Buffer } {
  const { identifier, point } = splitKey(spki);
  if (identifier.equals(P256_IDENTIFIER)) {
    if (point.length === P256_COMPRESSED_LENGTH) throw unsupported('a compressed point');
    if (point.length !== P256_UNCOMPRESSED_LENGTH || point[0] !== UNCOMPRESSED) {
      throw refusal(ORIGIN, 'it has no uncompressed P-256 point');
    }
    return { algorithm: 'ecdsa-p256', point };
  }
  if (identifier.equals(ED25519_IDENTIFIER)) {
    if (point.length !== 32) throw refusal(ORIGIN, 'an Ed25519 key has 32 bytes');
    if (!isSoundEd25519Point(point)) throw refusal(ORIGIN, 'it is a weak Ed25519 point');
    return { algorithm: 'ed25519', point };
  }
  const reader = new DerReader(identifier, ORIGIN).enter(TAG.sequence, 'the algorithm');
  throw unsupported(`the algorithm ${reader.oid('the algorithm')}`);
}

function splitKey(spki: Uint8Array): { identifier: Buffer; point: Buffer } {
  const outer = new DerReader(spki, ORIGIN);
  const info = outer.enter(TAG.sequence, 'the key');
  outer.end('the key');
  const identifier = info.expect(TAG.sequence, 'the algorithm').whole;
  const point = info.bytes('the key itself');
  info.end('the key');
  return { identifier, point };
}

function unsupported(what: string): TorchpassError {
  return new TorchpassError('KEY_UNSUPPORTED', `The public key has ${what}, which Torchpass does not certify.`, {
    hint: 'Use ECDSA P-256 (named curve, uncompressed point) or Ed25519.',
  });
}
