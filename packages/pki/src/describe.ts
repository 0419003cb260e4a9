import { notYet } from './not-yet.ts';
import type { SpiffeId } from './spiffe.ts';

export interface CertificateDescription {
  /** Lower-case hex. */
  serial: string;
  spiffeId: SpiffeId | undefined;
  dnsNames: string[];
  /** In canonical text. */
  ipAddresses: string[];
  notBefore: Date;
  notAfter: Date;
  /** Lower-case hex SHA-256 of the public key. */
  fingerprint: string;
  /** As text, for people: `O=Torchpass, OU=exporter, CN=…`. */
  issuerName: string;
  /** DER SubjectPublicKeyInfo. */
  publicKey: Buffer;
}

/** What a DER certificate says, without verifying anything. */
export function describeCertificate(_der: Uint8Array): CertificateDescription {
  return notYet();
}
