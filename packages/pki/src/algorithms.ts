import { sign, verify, type KeyObject } from 'node:crypto';
import { objectIdentifier, sequence } from './der.ts';
import { OID } from './oids.ts';

export type KeyAlgorithm = 'ecdsa-p256' | 'ed25519';

interface SignatureAlgorithm {
  /** DER AlgorithmIdentifier; parameters are absent for both (RFC 5758, 3.2; RFC 8410, 3). */
  identifier: Buffer;
  digest: 'sha256' | null;
}

/** The one signature algorithm that goes with each kind of key. */
const SIGNATURE_ALGORITHMS: Record<KeyAlgorithm, SignatureAlgorithm> = {
  'ecdsa-p256': { identifier: sequence(objectIdentifier(OID.ecdsaWithSha256)), digest: 'sha256' },
  ed25519: { identifier: sequence(objectIdentifier(OID.ed25519)), digest: null },
};

export function signatureIdentifier(algorithm: KeyAlgorithm): Buffer {
  return SIGNATURE_ALGORITHMS[algorithm].identifier;
}

/** Bytes of signatureValue: DER ECDSA-Sig-Value, or the 64 bytes of Ed25519. */
export function signMessage(message: Uint8Array, key: KeyObject, algorithm: KeyAlgorithm): Buffer {
  return sign(SIGNATURE_ALGORITHMS[algorithm].digest, message, key);
}

/** False too for a signature that is no signature at all. */
export function isSignatureOf(
  signature: Uint8Array,
  message: Uint8Array,
  key: KeyObject,
  algorithm: KeyAlgorithm,
): boolean {
  return verify(SIGNATURE_ALGORITHMS[algorithm].digest, message, key, signature);
}
