import { notYet } from './not-yet.ts';
import type { Role } from './profiles.ts';
import type { Signer } from './signer.ts';

export interface RootOptions {
  trustDomain: string;
  signer: Signer;
  serialNumber: Buffer;
  notBefore: Date;
  notAfter: Date;
}

export interface IssuingAuthorityOptions {
  role: Role;
  trustDomain: string;
  /** DER. */
  root: Buffer;
  rootSigner: Signer;
  /** DER SubjectPublicKeyInfo of the new authority. */
  publicKey: Buffer;
  serialNumber: Buffer;
  notBefore: Date;
  notAfter: Date;
}

/** The DER certificate of a self-signed root. */
export function createRoot(_options: RootOptions): Promise<Buffer> {
  return notYet();
}

/** The DER certificate of an issuing authority. */
export function createIssuingAuthority(_options: IssuingAuthorityOptions): Promise<Buffer> {
  return notYet();
}
