import { OID } from './oids.ts';
import type { SpiffeId } from './spiffe.ts';

/** The issuing authority, the kind of its leaves and the kind of their SPIFFE ID are the same word. */
export type Role = SpiffeId['kind'];

export const ROLES = ['controller', 'agent', 'exporter', 'scraper'] as const satisfies readonly Role[];

export interface Profile {
  /** The one extended key usage of the authority and of its leaves. */
  purpose: string;
  /** Whether leaves carry the names and addresses under which they are dialled. */
  dialled: 'required' | 'allowed' | 'never';
}

/** What each authority issues. Everything else is the same for all: see `leafTbs` and `checkLeafProfile`. */
export const PROFILES: Readonly<Record<Role, Profile>> = {
  // Agents know the controller by its SPIFFE ID; names are for curl and browsers.
  controller: { purpose: OID.serverAuth, dialled: 'allowed' },
  agent: { purpose: OID.clientAuth, dialled: 'never' },
  // Prometheus knows an exporter only by the address that it dials.
  exporter: { purpose: OID.serverAuth, dialled: 'required' },
  scraper: { purpose: OID.clientAuth, dialled: 'never' },
};

/** More names and addresses than this in one certificate are a mistake. */
export const MOST_NAMES = 100;

/** A leaf to be issued. All of it was decided by policy; nothing is taken over from a certificate request but the key. */
export interface LeafRequest {
  role: Role;
  /** Of the same kind as `role`, in the trust domain of the issuer. */
  spiffeId: SpiffeId;
  /** Fully spelt, lower case. */
  dnsNames: readonly string[];
  /** Canonical, as `canonicalIp` gives them. */
  ipAddresses: readonly string[];
  /** DER SubjectPublicKeyInfo. */
  publicKey: Buffer;
  /** From `newSerialNumber`. */
  serialNumber: Buffer;
  /** Both are cut to whole seconds, and to the validity of the issuer. */
  notBefore: Date;
  notAfter: Date;
}
