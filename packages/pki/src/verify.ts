import { notYet } from './not-yet.ts';
import type { Role } from './profiles.ts';
import type { SpiffeId } from './spiffe.ts';

export interface VerifiedPeer {
  /** Lower-case hex. */
  serial: string;
  spiffeId: SpiffeId;
  /** Lower-case hex SHA-256 of the public key. */
  fingerprint: string;
  notBefore: Date;
  notAfter: Date;
  /** DER of the issuing authority. */
  issuer: Buffer;
}

export interface VerifyOptions {
  /** DER of the trusted roots, or of the trusted issuing authorities. */
  anchors: readonly Uint8Array[];
  role: Role;
  /** Undefined: validity in time is the caller's business. */
  now: Date | undefined;
}

/** `chain` is DER, leaf first, and may include the root. */
export function verifyChain(_chain: readonly Uint8Array[], _options: VerifyOptions): VerifiedPeer {
  return notYet();
}
