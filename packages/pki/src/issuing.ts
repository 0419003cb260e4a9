import { canonicalIp, isDnsName } from '@torchpass/core';
import { signatureIdentifier } from './algorithms.ts';
import { isNameFor } from './authority-name.ts';
import { readTbsCertificate, serialText } from './certificate.ts';
import { refusal, type Origin } from './der-reader.ts';
import {
  authorityKeyIdentifier,
  extendedKeyUsage,
  LEAF_KEY_USAGE,
  NO_AUTHORITY,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';
import { openIssuer, type Issuer } from './issuer.ts';
import { lint, LINT } from './lint.ts';
import { EMPTY_NAME } from './name.ts';
import { OID } from './oids.ts';
import { checkLeafProfile } from './profile-check.ts';
import { PROFILES, ROLES, type LeafRequest } from './profiles.ts';
import { keyIdentifier, readPublicKey } from './public-key.ts';
import { isSerialNumber } from './serial.ts';
import type { Signer } from './signer.ts';
import { signCertificate } from './signing.ts';
import { formatSpiffeId } from './spiffe.ts';
import { encodeTbs } from './tbs.ts';
import { validityWithin } from './validity.ts';

/** Everything about a certificate but its signature: store it before `signPrepared`. */
export interface PreparedCertificate {
  /** Lower-case hex, 32 digits. */
  serial: string;
  /** DER TBSCertificate. */
  tbs: Buffer;
  /** Whole seconds; what the certificate says, which may be less than was asked for. */
  notBefore: Date;
  notAfter: Date;
}

const REQUEST: Origin = { code: 'LINT_FAILED', claim: 'The certificate cannot be issued as asked' };

const LEAF_EXTENSIONS = [
  [OID.basicConstraints, true],
  [OID.keyUsage, true],
  [OID.extendedKeyUsage, false],
  [OID.subjectAltName, true],
  [OID.subjectKeyIdentifier, false],
  [OID.authorityKeyIdentifier, false],
] as const;

/**
 * Builds a leaf of the profile of its role and lints it; signs nothing. Validity is cut to that of the issuer.
 * LINT_FAILED when request, profile and result do not agree; KEY_UNSUPPORTED and KEY_INVALID for the key; NAME_INVALID
 * for a SPIFFE ID that cannot be written; AUTHORITY_MISSING when the issuer has ended.
 */
export function prepareLeaf(issuer: Issuer, request: LeafRequest): PreparedCertificate {
  const authority = openIssuer(issuer.role, issuer.certificate);
  readPublicKey(request.publicKey);
  checkRequest(request, issuer, authority.trustDomain);
  const validity = validityWithin(authority.certificate, request, REQUEST);
  const fields = {
    serialNumber: request.serialNumber,
    algorithm: authority.algorithm,
    issuer: authority.certificate.subject,
    subject: EMPTY_NAME,
    publicKey: request.publicKey,
    ...validity,
  };
  const { dnsNames, ipAddresses } = request;
  const names = { uris: [formatSpiffeId(request.spiffeId)], dnsNames, ipAddresses };
  const { purpose } = PROFILES[request.role];
  const tbs = encodeTbs(fields, [
    NO_AUTHORITY,
    LEAF_KEY_USAGE,
    extendedKeyUsage(purpose),
    subjectAltName(names, true),
    subjectKeyIdentifier(keyIdentifier(request.publicKey)),
    authorityKeyIdentifier(authority.keyId),
  ]);
  lint(tbs, {
    ...fields,
    ca: false,
    names,
    purpose,
    authorityKeyId: authority.keyId,
    extensions: LEAF_EXTENSIONS,
    issuerCertificate: authority.x509,
    checkProfile: (certificate) => checkLeafProfile(certificate, request.role),
  });
  return { serial: serialText(request.serialNumber), tbs, ...validity };
}

/**
 * Signs what was prepared; gives the DER certificate. It may have lain in a database meanwhile, so it is checked once
 * more: a database that can be written to must not become a way to have anything signed. LINT_FAILED when it is not a
 * leaf of this signer's authority, or when the signer's answer is wrong.
 */
export async function signPrepared(prepared: PreparedCertificate, signer: Signer): Promise<Buffer> {
  const tbs = readTbsCertificate(prepared.tbs, LINT);
  const role = ROLES.find((candidate) => isNameFor(candidate, tbs.issuerName));
  if (role === undefined) throw refusal(LINT, 'its issuer is no issuing authority');
  checkLeafProfile(tbs, role);
  const isOfSigner =
    tbs.signatureAlgorithm.equals(signatureIdentifier(signer.algorithm)) &&
    tbs.extensions.authorityKeyIdentifier()?.equals(keyIdentifier(signer.publicKey)) === true;
  if (!isOfSigner) throw refusal(LINT, 'it was prepared for another authority');
  const isAsPrepared =
    serialText(tbs.serialNumber) === prepared.serial &&
    tbs.notBefore.getTime() === prepared.notBefore.getTime() &&
    tbs.notAfter.getTime() === prepared.notAfter.getTime();
  if (!isAsPrepared) throw refusal(LINT, 'its serial number or its validity is not the one that was stored with it');
  return signCertificate(prepared.tbs, signer);
}

/** What the encoder would write faithfully and nobody may ask for. Names are compared with the profile by the lint. */
function checkRequest(request: LeafRequest, issuer: Issuer, trustDomain: string): void {
  if (request.role !== issuer.role) {
    throw refusal(REQUEST, `the ${issuer.role} authority issues nothing for the role ${request.role}`);
  }
  if (request.spiffeId.trustDomain !== trustDomain) throw refusal(REQUEST, 'it is of another trust domain');
  if (!isSerialNumber(request.serialNumber)) throw refusal(REQUEST, 'its serial number is not one of ours');
  if (!request.dnsNames.every(isDnsName)) throw refusal(REQUEST, 'a DNS name is not one');
  if (!request.ipAddresses.every((address) => canonicalIp(address) === address)) {
    throw refusal(REQUEST, 'an IP address is not one in canonical form');
  }
}
