import type { KeyObject } from 'node:crypto';
import { signMessage, type KeyAlgorithm } from './algorithms.ts';
import { publicKeyInfo } from './keys.ts';
import { readPublicKey } from './public-key.ts';

/** The one seam for authority keys: in memory here, on a token elsewhere. */
export interface Signer {
  readonly algorithm: KeyAlgorithm;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  /** The bytes of X.509's signatureValue: a DER ECDSA-Sig-Value over SHA-256, or the 64 bytes of Ed25519. */
  sign(message: Uint8Array): Promise<Buffer>;
}

/** A signer with a private key in memory. KEY_UNSUPPORTED for kinds that Torchpass does not use. */
export function softwareSigner(privateKey: KeyObject): Signer {
  const publicKey = publicKeyInfo(privateKey);
  const { algorithm } = readPublicKey(publicKey);
  return { algorithm, publicKey, sign: async (message) => signMessage(message, privateKey, algorithm) };
}
