import { signatureIdentifier, type KeyAlgorithm } from './algorithms.ts';
import { authorityName, rootName } from './authority-name.ts';
import { isSignedBy, readCertificate, readTbsCertificate, serialText, type Certificate } from './certificate.ts';
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
import type { PreparedCertificate } from './issuing.ts';
import { lint, LINT } from './lint.ts';
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

/** A self-signed root that may sign issuing authorities and nothing below them, but for its signature. LINT_FAILED. */
export function prepareRoot(options: RootOptions): PreparedCertificate {
  const { publicKey, algorithm } = options.signer;
  return prepare(options, {
    publicKey,
    algorithm,
    issuer: undefined,
    subject: rootName(keyIdentifier(publicKey)),
    pathLength: 1,
    purpose: undefined,
    checkProfile: checkRootProfile,
  });
}

/** The same, signed: DER. */
export async function createRoot(options: RootOptions): Promise<Buffer> {
  const { publicKey } = options.signer;
  return signAuthority(prepareRoot(options), { role: 'root', publicKey }, options.signer);
}

/** The issuing authority of a role, but for its signature: of the root's signer only the public key is used. LINT_FAILED; AUTHORITY_MISSING when the root has ended. */
export function prepareIssuingAuthority(
  options: Omit<IssuingAuthorityOptions, 'rootSigner'> & { rootSigner: Pick<Signer, 'publicKey'> },
): PreparedCertificate {
  const { role, publicKey, rootSigner } = options;
  readPublicKey(publicKey);
  const root = openIssuer('root', options.root);
  if (root.trustDomain !== options.trustDomain) throw refusal(AUTHORITY, 'the root is of another trust domain');
  if (!root.certificate.publicKey.equals(rootSigner.publicKey)) {
    throw refusal(AUTHORITY, 'the signer does not have the key of the root');
  }
  return prepare(options, {
    publicKey,
    algorithm: root.algorithm,
    issuer: root,
    subject: authorityName(role, keyIdentifier(publicKey)),
    pathLength: 0,
    purpose: PROFILES[role].purpose,
    checkProfile: (certificate) => checkAuthorityProfile(certificate, role),
  });
}

/** The same, signed: DER. */
export async function createIssuingAuthority(options: IssuingAuthorityOptions): Promise<Buffer> {
  return signAuthority(prepareIssuingAuthority(options), options, options.rootSigner);
}

/**
 * Signs a prepared authority; gives the DER certificate. It may have lain in a database meanwhile, so it is read once more:
 * it has to be an authority of this role with this public key (DER SubjectPublicKeyInfo), for this signer, as it was stored.
 * LINT_FAILED.
 */
export async function signAuthority(
  prepared: PreparedCertificate,
  { role, publicKey }: { role: Role | 'root'; publicKey: Buffer },
  signer: Signer,
): Promise<Buffer> {
  const tbs = readTbsCertificate(prepared.tbs, LINT);
  if (role === 'root') checkRootProfile(tbs);
  else checkAuthorityProfile(tbs, role);
  if (!tbs.publicKey.equals(publicKey)) throw refusal(LINT, 'it is for a key that is not ours');
  const isOfSigner =
    tbs.signatureAlgorithm.equals(signatureIdentifier(signer.algorithm)) &&
    tbs.extensions.authorityKeyIdentifier()?.equals(keyIdentifier(signer.publicKey)) === true;
  if (!isOfSigner) throw refusal(LINT, 'it was prepared for another root');
  const isAsPrepared =
    serialText(tbs.serialNumber) === prepared.serial &&
    tbs.notBefore.getTime() === prepared.notBefore.getTime() &&
    tbs.notAfter.getTime() === prepared.notAfter.getTime();
  if (!isAsPrepared) throw refusal(LINT, 'its serial number or its validity is not the one that was stored with it');
  return signCertificate(prepared.tbs, signer);
}

/**
 * Checks a certificate that was signed on another machine: exactly what was prepared here, signed by this root. All of them
 * DER. CERTIFICATE_UNTRUSTED.
 */
export function checkSignedElsewhere(
  prepared: Pick<PreparedCertificate, 'tbs'>,
  certificate: Buffer,
  root: Buffer,
): void {
  const signed = readCertificate(certificate, ELSEWHERE);
  if (!signed.tbs.equals(prepared.tbs)) throw refusal(ELSEWHERE, 'it is not the one that was asked for');
  if (!isSignedBy(signed, readCertificate(root, ELSEWHERE))) throw refusal(ELSEWHERE, 'the root has not signed it');
}

/** DER SubjectPublicKeyInfo of a DER certificate. CERTIFICATE_INVALID. */
export function readPublicKeyOf(certificate: Buffer): Buffer {
  return readCertificate(certificate, STORED).publicKey;
}

/** Whether the key of one certificate made the signature of the other; both DER. CERTIFICATE_INVALID. */
export function signedBy(certificate: Buffer, issuer: Buffer): boolean {
  return isSignedBy(readCertificate(certificate, STORED), readCertificate(issuer, STORED));
}

const STORED: Origin = { code: 'CERTIFICATE_INVALID', claim: 'The certificate of an authority cannot be read' };
const ELSEWHERE: Origin = { code: 'CERTIFICATE_UNTRUSTED', claim: 'The certificate of the authority is not accepted' };

interface Design {
  publicKey: Buffer;
  /** Of the key that signs. */
  algorithm: KeyAlgorithm;
  /** Undefined: it signs itself. */
  issuer: OpenIssuer | undefined;
  subject: Buffer;
  pathLength: 0 | 1;
  purpose: string | undefined;
  checkProfile: (certificate: Certificate) => unknown;
}

function prepare(
  options: Pick<RootOptions, 'trustDomain' | 'serialNumber' | 'notBefore' | 'notAfter'>,
  design: Design,
): PreparedCertificate {
  if (!isSerialNumber(options.serialNumber)) throw refusal(AUTHORITY, 'its serial number is not one of ours');
  const { publicKey, algorithm, issuer, subject, purpose } = design;
  const keyId = keyIdentifier(publicKey);
  const authorityKeyId = issuer?.keyId ?? keyId;
  const validity = validityWithin(issuer?.certificate, options, AUTHORITY);
  const fields = {
    serialNumber: options.serialNumber,
    algorithm,
    issuer: issuer?.certificate.subject ?? subject,
    subject,
    publicKey,
    ...validity,
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
  return { serial: serialText(options.serialNumber), tbs, ...validity };
}

const AUTHORITY_EXTENSIONS = [
  [OID.basicConstraints, true],
  [OID.keyUsage, true],
  [OID.extendedKeyUsage, false],
  [OID.subjectAltName, false],
  [OID.subjectKeyIdentifier, false],
  [OID.authorityKeyIdentifier, false],
] as const;
