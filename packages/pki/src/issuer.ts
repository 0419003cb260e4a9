import { X509Certificate } from 'node:crypto';
import type { KeyAlgorithm } from './algorithms.ts';
import { publicKeyOf, readCertificate, type Certificate } from './certificate.ts';
import { refusal, type Origin } from './der-reader.ts';
import { checkAuthorityProfile, checkRootProfile } from './profile-check.ts';
import type { Role } from './profiles.ts';
import { keyIdentifier } from './public-key.ts';
import { remembering } from './remembering.ts';

/** An issuing authority. */
export interface Issuer {
  role: Role;
  /** DER. */
  certificate: Buffer;
}

/** An authority's certificate, read and found to be what it should be. */
export interface OpenIssuer {
  certificate: Certificate;
  /** The same as OpenSSL sees it. */
  x509: X509Certificate;
  algorithm: KeyAlgorithm;
  keyId: Buffer;
  trustDomain: string;
}

const ISSUER: Origin = { code: 'LINT_FAILED', claim: 'The certificate of the authority cannot issue' };

const openers: Record<Role | 'root', (der: Uint8Array) => OpenIssuer> = {
  root: opener(checkRootProfile),
  controller: opener((certificate) => checkAuthorityProfile(certificate, 'controller')),
  agent: opener((certificate) => checkAuthorityProfile(certificate, 'agent')),
  exporter: opener((certificate) => checkAuthorityProfile(certificate, 'exporter')),
  scraper: opener((certificate) => checkAuthorityProfile(certificate, 'scraper')),
};

/** Reads the certificate of an authority, which must be the one of `role`. LINT_FAILED. */
export function openIssuer(role: Role | 'root', der: Uint8Array): OpenIssuer {
  return openers[role](der);
}

/** There are a handful of authorities and thousands of leaves. */
function opener(check: (certificate: Certificate) => string): (der: Uint8Array) => OpenIssuer {
  return remembering(16, (bytes) => {
    const der = Buffer.from(bytes);
    const certificate = readCertificate(der, ISSUER);
    const trustDomain = check(certificate);
    const { algorithm } = publicKeyOf(certificate);
    return {
      certificate,
      x509: readWithOpenSsl(der),
      algorithm,
      keyId: keyIdentifier(certificate.publicKey),
      trustDomain,
    };
  });
}

function readWithOpenSsl(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw refusal(ISSUER, 'OpenSSL cannot read it', error);
  }
}
