import { isDnsName } from '@torchpass/core';
import { isNameFor } from './authority-name.ts';
import { publicKeyOf, type TbsCertificate } from './certificate.ts';
import { refusal } from './der-reader.ts';
import { KEY_USAGE } from './extensions.ts';
import { EMPTY_NAME } from './name.ts';
import { OID } from './oids.ts';
import { MOST_NAMES, PROFILES, type Role } from './profiles.ts';
import { keyIdentifier } from './public-key.ts';
import { parseSpiffeId, parseTrustDomain, type SpiffeId } from './spiffe.ts';

const LONGEST_SERIAL_NUMBER = 20;
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.subjectAltName,
]);

/** Refuses a certificate that is not a leaf of `role`; gives its identity. Signatures and time are not looked at. */
export function checkLeafProfile(certificate: TbsCertificate, role: Role): SpiffeId {
  const { extensions, origin } = certificate;
  checkCommon(certificate);
  const constraints = extensions.basicConstraints();
  demand(constraints !== undefined && extensions.isCritical(OID.basicConstraints), 'it has no basic constraints');
  demand(constraints?.ca === false && constraints.pathLength === undefined, 'it claims to be an authority');
  demand(hasKeyUsage(certificate, [KEY_USAGE.digitalSignature]), 'its key usage is not exactly to sign');
  demand(hasPurpose(certificate, PROFILES[role].purpose), `it is not for the purpose of the role ${role}`);
  demand(certificate.subject.equals(EMPTY_NAME), 'its subject is not empty');
  return checkNames(certificate, role);

  function demand(condition: boolean, reason: string): void {
    if (!condition) throw refusal(origin, reason);
  }
}

function checkNames({ extensions, origin }: TbsCertificate, role: Role): SpiffeId {
  const names = extensions.subjectAltName();
  if (names === undefined || !extensions.isCritical(OID.subjectAltName)) throw refusal(origin, 'it names nobody');
  const [uri, ...moreUris] = names.uris;
  const spiffeId = uri === undefined || moreUris.length > 0 ? undefined : parseSpiffeId(uri);
  if (spiffeId === undefined || names.others > 0) throw refusal(origin, 'it has not exactly one SPIFFE ID');
  if (spiffeId.kind !== role) throw refusal(origin, `its SPIFFE ID is of the kind ${spiffeId.kind}, not ${role}`);
  const count = names.dnsNames.length + names.addresses.length;
  const { dialled } = PROFILES[role];
  if (count > MOST_NAMES) throw refusal(origin, 'it has too many names');
  if (dialled === 'required' && count === 0) throw refusal(origin, 'it has neither a DNS name nor an IP address');
  if (dialled === 'never' && count > 0) throw refusal(origin, `the role ${role} has no DNS names or IP addresses`);
  if (!names.dnsNames.every(isDnsName)) throw refusal(origin, 'a DNS name in it is not one');
  return spiffeId;
}

/** Refuses a certificate that is not the issuing authority of `role`; gives its trust domain. */
export function checkAuthorityProfile(certificate: TbsCertificate, role: Role): string {
  checkSigningCertificate(certificate, 0);
  if (!isNameFor(role, certificate.subjectName)) {
    throw refusal(certificate.origin, `it is not the authority of the role ${role}`);
  }
  if (!hasPurpose(certificate, PROFILES[role].purpose)) {
    throw refusal(certificate.origin, `the authority is not for the purpose of the role ${role}`);
  }
  return trustDomainOf(certificate);
}

/** Refuses a certificate that is not a root; gives its trust domain. */
export function checkRootProfile(certificate: TbsCertificate): string {
  checkSigningCertificate(certificate, 1);
  const isRoot = isNameFor(undefined, certificate.subjectName) && certificate.subject.equals(certificate.issuer);
  if (!isRoot) throw refusal(certificate.origin, 'it is not a root');
  if (certificate.extensions.extendedKeyUsage() !== undefined) {
    throw refusal(certificate.origin, 'a root is not restricted to a purpose');
  }
  return trustDomainOf(certificate);
}

function checkSigningCertificate(certificate: TbsCertificate, pathLength: number): void {
  const { extensions, origin } = certificate;
  checkCommon(certificate);
  const constraints = extensions.basicConstraints();
  if (constraints?.ca !== true || !extensions.isCritical(OID.basicConstraints)) {
    throw refusal(origin, 'it is not an authority');
  }
  if (constraints.pathLength !== pathLength) throw refusal(origin, 'its path length is wrong');
  if (!hasKeyUsage(certificate, [KEY_USAGE.keyCertSign, KEY_USAGE.crlSign])) {
    throw refusal(origin, 'its key usage is not exactly to sign certificates and revocation lists');
  }
}

/** What holds for all three kinds of certificates. */
function checkCommon(certificate: TbsCertificate): void {
  const { extensions, origin, serialNumber, publicKey, version } = certificate;
  if (version !== 3) throw refusal(origin, 'it is not of version 3');
  const positive = (serialNumber[0] ?? 0x80) < 0x80 && serialNumber.some((octet) => octet !== 0);
  if (!positive || serialNumber.length > LONGEST_SERIAL_NUMBER)
    throw refusal(origin, 'its serial number is out of range');
  const unknown = extensions.oids.find((oid) => extensions.isCritical(oid) && !UNDERSTOOD.has(oid));
  if (unknown !== undefined) throw refusal(origin, `its critical extension ${unknown} is unknown`);
  publicKeyOf(certificate);
  if (extensions.subjectKeyIdentifier()?.equals(keyIdentifier(publicKey)) !== true) {
    throw refusal(origin, 'its key identifier is not that of its key');
  }
}

function hasKeyUsage({ extensions }: TbsCertificate, bits: readonly number[]): boolean {
  return extensions.keyUsage()?.join() === bits.join() && extensions.isCritical(OID.keyUsage);
}

function hasPurpose({ extensions }: TbsCertificate, purpose: string): boolean {
  const purposes = extensions.extendedKeyUsage();
  return purposes?.length === 1 && purposes[0] === purpose;
}

function trustDomainOf({ extensions, origin }: TbsCertificate): string {
  const names = extensions.subjectAltName();
  const [uri = ''] = names?.uris ?? [];
  const trustDomain = parseTrustDomain(uri);
  const others = (names?.dnsNames.length ?? 0) + (names?.addresses.length ?? 0) + (names?.others ?? 0);
  if (trustDomain === undefined || names?.uris.length !== 1 || others > 0) {
    throw refusal(origin, 'the authority does not name its trust domain');
  }
  return trustDomain;
}
