import type { KeyAlgorithm } from './algorithms.ts';
import { authorityName, rootName } from './authority-name.ts';
import type { Certificate } from './certificate.ts';
import { refusal, type Origin } from './der-reader.ts';
import {
  AUTHORITY_KEY_USAGE,
  authorityConstraints,
  authorityKeyIdentifier,
  extendedKeyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';
import { openIssuer, type OpenIssuer } from './issuer.ts';
import { lint } from './lint.ts';
import { OID } from './oids.ts';
import { checkAuthorityProfile, checkRootProfile } from './profile-check.ts';
import { PROFILES, type Role } from './profiles.ts';
import { keyIdentifier, readPublicKey } from './public-key.ts';
import { isSerialNumber } from './serial.ts';
import type { Signer } from './signer.ts';
import { signCertificate } from './signing.ts';
import { formatTrustDomain } from './spiffe.ts';
import { encodeTbs } from './tbs.ts';
import { validityWithin } from './validity.ts';

export interface RootOptions {
  trustDomain: string;
  signer: Signer;
  /** From `newSerialNumber`. */
  serialNumber: Buffer;
  notBefore: Date;
  notAfter: Date;
}

export interface IssuingAuthorityOptions {
  role: Role;
  /** That of the root. */
  trustDomain: string;
  /** DER. */
  root: Buffer;
  rootSigner: Signer;
  /** DER SubjectPublicKeyInfo of the new authority. */
  publicKey: Buffer;
  /** From `newSerialNumber`. */
  serialNumber: Buffer;
  /** Cut to the validity of the root. */
  notBefore: Date;
  notAfter: Date;
}

const AUTHORITY: Origin = { code: 'LINT_FAILED', claim: 'The authority cannot be made as asked' };

/** The DER certificate of a self-signed root that may sign issuing authorities and nothing below them. LINT_FAILED. */
export async function createRoot(options: RootOptions): Promise<Buffer> {
  const { publicKey, algorithm } = options.signer;
  return create(options, {
    publicKey,
    algorithm,
    issuer: undefined,
    subject: rootName(keyIdentifier(publicKey)),
    pathLength: 1,
    purpose: undefined,
    signer: options.signer,
    checkProfile: checkRootProfile,
  });
}

/** The DER certificate of the issuing authority of a role. LINT_FAILED; AUTHORITY_MISSING when the root has ended. */
export async function createIssuingAuthority(options: IssuingAuthorityOptions): Promise<Buffer> {
  const { role, publicKey, rootSigner } = options;
  readPublicKey(publicKey);
  const root = openIssuer('root', options.root);
  if (root.trustDomain !== options.trustDomain) throw refusal(AUTHORITY, 'the root is of another trust domain');
  if (!root.certificate.publicKey.equals(rootSigner.publicKey)) {
    throw refusal(AUTHORITY, 'the signer does not have the key of the root');
  }
  return create(options, {
    publicKey,
    algorithm: root.algorithm,
    issuer: root,
    subject: authorityName(role, keyIdentifier(publicKey)),
    pathLength: 0,
    purpose: PROFILES[role].purpose,
    signer: rootSigner,
    checkProfile: (certificate) => checkAuthorityProfile(certificate, role),
  });
}

interface Design {
  publicKey: Buffer;
  /** Of the key that signs. */
  algorithm: KeyAlgorithm;
  /** Undefined: it signs itself. */
  issuer: OpenIssuer | undefined;
  subject: Buffer;
  pathLength: 0 | 1;
  purpose: string | undefined;
  signer: Signer;
  checkProfile: (certificate: Certificate) => unknown;
}

async function create(
  options: Pick<RootOptions, 'trustDomain' | 'serialNumber' | 'notBefore' | 'notAfter'>,
  design: Design,
): Promise<Buffer> {
  if (!isSerialNumber(options.serialNumber)) throw refusal(AUTHORITY, 'its serial number is not one of ours');
  const { publicKey, algorithm, issuer, subject, purpose } = design;
  const keyId = keyIdentifier(publicKey);
  const authorityKeyId = issuer?.keyId ?? keyId;
  const fields = {
    serialNumber: options.serialNumber,
    algorithm,
    issuer: issuer?.certificate.subject ?? subject,
    subject,
    publicKey,
    ...validityWithin(issuer?.certificate, options, AUTHORITY),
  };
  const names = { uris: [formatTrustDomain(options.trustDomain)], dnsNames: [], ipAddresses: [] };
  const tbs = encodeTbs(fields, [
    authorityConstraints(design.pathLength),
    AUTHORITY_KEY_USAGE,
    ...(purpose === undefined ? [] : [extendedKeyUsage(purpose)]),
    subjectAltName(names, false),
    subjectKeyIdentifier(keyId),
    authorityKeyIdentifier(authorityKeyId),
  ]);
  lint(tbs, {
    ...fields,
    ca: true,
    names,
    purpose,
    authorityKeyId,
    extensions: AUTHORITY_EXTENSIONS.filter(([oid]) => purpose !== undefined || oid !== OID.extendedKeyUsage),
    issuerCertificate: issuer?.x509,
    checkProfile: design.checkProfile,
  });
  return signCertificate(tbs, design.signer);
}

const AUTHORITY_EXTENSIONS = [
  [OID.basicConstraints, true],
  [OID.keyUsage, true],
  [OID.extendedKeyUsage, false],
  [OID.subjectAltName, false],
  [OID.subjectKeyIdentifier, false],
  [OID.authorityKeyIdentifier, false],
] as const;
