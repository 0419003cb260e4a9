import type { KeyObject } from 'node:crypto';
import type { KeyAlgorithm } from './keys.ts';
import { notYet } from './not-yet.ts';

export interface CertificateRequest {
  /** DER SubjectPublicKeyInfo. */
  publicKey: Buffer;
  algorithm: KeyAlgorithm;
  /** Lower-case hex SHA-256 of `publicKey`. */
  fingerprint: string;
}

/** A DER certificate request (RFC 2986) with an empty subject and no attributes: it proves possession, nothing more. */
export function createCertificateRequest(_privateKey: KeyObject): Buffer {
  return notYet();
}

export function readCertificateRequest(_der: Uint8Array): CertificateRequest {
  return notYet();
}
