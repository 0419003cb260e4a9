import type { SpiffeId } from './spiffe.ts';

/** The issuing authority and the kind of its leaves are the same word. */
export type Role = 'controller' | 'agent' | 'exporter' | 'scraper';

export interface LeafRequest {
  role: Role;
  spiffeId: SpiffeId;
  /** Fully spelt, lower case. */
  dnsNames: readonly string[];
  /** In canonical text. */
  ipAddresses: readonly string[];
  /** DER SubjectPublicKeyInfo. */
  publicKey: Buffer;
  /** From `newSerialNumber`. */
  serialNumber: Buffer;
  notBefore: Date;
  notAfter: Date;
}
