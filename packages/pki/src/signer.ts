import type { KeyObject } from 'node:crypto';
import type { KeyAlgorithm } from './keys.ts';
import { notYet } from './not-yet.ts';

/** The one seam for authority keys. */
export interface Signer {
  readonly algorithm: KeyAlgorithm;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  /** The bytes of X.509's signatureValue: a DER ECDSA-Sig-Value, or the 64 bytes of Ed25519. */
  sign(message: Uint8Array): Promise<Buffer>;
}

export function softwareSigner(_privateKey: KeyObject): Signer {
  return notYet();
}
