import { notYet } from './not-yet.ts';
import type { LeafRequest, Role } from './profiles.ts';
import type { Signer } from './signer.ts';

export interface Issuer {
  role: Role;
  /** DER. */
  certificate: Buffer;
}

/** Everything about a certificate but its signature: store it before `signPrepared`. */
export interface PreparedCertificate {
  /** Lower-case hex, 32 digits. */
  serial: string;
  /** DER TBSCertificate. */
  tbs: Buffer;
  notBefore: Date;
  notAfter: Date;
}

export function prepareLeaf(_issuer: Issuer, _request: LeafRequest): PreparedCertificate {
  return notYet();
}

/** The DER certificate. */
export function signPrepared(_prepared: PreparedCertificate, _signer: Signer): Promise<Buffer> {
  return notYet();
}
