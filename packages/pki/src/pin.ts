import { notYet } from './not-yet.ts';

/** SHA-256 of the SubjectPublicKeyInfo of a DER certificate. */
export function pinOf(_certificate: Uint8Array): Buffer {
  return notYet();
}
