// oxlint-disable-next-line import/no-unassigned-import -- the parser's decorators need it in place
import 'reflect-metadata';
import { X509Certificate as OpenSslCertificate } from 'node:crypto';
import { canonicalIp } from '@torchpass/core';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  type Extension,
} from '@peculiar/x509';
import { PROFILES, type Role } from './profiles.ts';
import { remembering } from './remembering.ts';
import { parseSpiffeId } from './spiffe.ts';

/**
 * A second opinion on a DER leaf, by a parser that shares no code with the one that wrote it: what is wrong with it as a
 * leaf of `role`, in sentences; empty when nothing is. Slow, so it is for checks and tests, not for issuing.
 */
export function checkLeaf(der: Uint8Array, issuerCertificate: Uint8Array, role: Role): string[] {
  try {
    const leaf = new X509Certificate(Uint8Array.from(der));
    const { issuer } = readIssuer(issuerCertificate);
    return [
      ...checkConstraints(leaf, role),
      ...checkNames(leaf, role),
      ...checkOrigin(leaf, issuer),
      ...checkSignature(der, issuerCertificate),
    ];
  } catch (error) {
    return [`It cannot be read: ${error instanceof Error ? error.message : String(error)}.`];
  }
}

/**
 * The same for the DER certificate of an authority: what is wrong with it as the root, or as the issuing authority of
 * `role`, of this trust domain. A root is its own issuer.
 */
export function checkAuthority(
  der: Uint8Array,
  issuerCertificate: Uint8Array,
  role: Role | 'root',
  trustDomain: string,
): string[] {
  try {
    const authority = new X509Certificate(Uint8Array.from(der));
    const { issuer } = readIssuer(issuerCertificate);
    const domain = trustDomainOf(authority);
    return [
      ...checkAuthorityConstraints(authority, role),
      ...problems([
        [domain === `spiffe://${trustDomain}`, `Its trust domain is ${domain}, not spiffe://${trustDomain}.`],
      ]),
      ...checkOrigin(authority, issuer),
      ...checkSignature(der, issuerCertificate),
    ];
  } catch (error) {
    return [`It cannot be read: ${error instanceof Error ? error.message : String(error)}.`];
  }
}

const SIGNS_CERTIFICATES_AND_LISTS: KeyUsageFlags = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;

function checkAuthorityConstraints(authority: X509Certificate, role: Role | 'root'): string[] {
  const constraints = authority.getExtension(BasicConstraintsExtension);
  const usage = authority.getExtension(KeyUsagesExtension);
  const purposes = authority.getExtension(ExtendedKeyUsageExtension)?.usages.map(String) ?? [];
  const wanted = role === 'root' ? { pathLength: 1, purpose: '', unit: '' } : issuingDesign(role);
  const units = authority.subjectName.getField('OU');
  return problems([
    [constraints !== null && constraints.ca && constraints.critical, 'It is not marked as an authority.'],
    [constraints?.pathLength === wanted.pathLength, `Its path length is not ${wanted.pathLength}.`],
    [
      usage?.usages === SIGNS_CERTIFICATES_AND_LISTS && usage.critical,
      'Its key usage is not exactly to sign certificates and revocation lists.',
    ],
    [
      purposes.join() === wanted.purpose,
      `Its purpose is not that of ${role === 'root' ? 'a root' : `the role ${role}`}.`,
    ],
    [units.join() === wanted.unit, `Its name is not that of ${role === 'root' ? 'a root' : `the role ${role}`}.`],
    [repeatedTypes(authority.extensions).length === 0, 'An extension is repeated.'],
    [/^[4-7][0-9a-f]{31}$/.test(authority.serialNumber), 'Its serial number is not one of ours.'],
  ]);
}

function issuingDesign(role: Role) {
  return { pathLength: 0, purpose: PROFILES[role].purpose, unit: role };
}

function trustDomainOf(authority: X509Certificate): string {
  const names = authority.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return names.map(({ type, value }) => (type === 'url' ? value : `${type} ${value}`)).join();
}

function checkConstraints(leaf: X509Certificate, role: Role): string[] {
  const constraints = leaf.getExtension(BasicConstraintsExtension);
  const usage = leaf.getExtension(KeyUsagesExtension);
  const purposes = leaf.getExtension(ExtendedKeyUsageExtension)?.usages.map(String) ?? [];
  return problems([
    [constraints !== null && !constraints.ca && constraints.critical, 'It is not marked as a leaf.'],
    [usage?.usages === KeyUsageFlags.digitalSignature && usage.critical, 'Its key usage is not exactly to sign.'],
    [purposes.join() === PROFILES[role].purpose, `Its purpose is not that of the role ${role}.`],
    [repeatedTypes(leaf.extensions).length === 0, 'An extension is repeated.'],
    [leaf.subject === '', 'Its subject is not empty.'],
    [/^[4-7][0-9a-f]{31}$/.test(leaf.serialNumber), 'Its serial number is not one of ours.'],
  ]);
}

function checkNames(leaf: X509Certificate, role: Role): string[] {
  const extension = leaf.getExtension(SubjectAlternativeNameExtension);
  const names = extension?.names.items ?? [];
  const uris = names.filter(({ type }) => type === 'url').map(({ value }) => value);
  const dialled = names.filter(({ type }) => type === 'dns' || type === 'ip');
  const rule = PROFILES[role].dialled;
  return problems([
    [extension?.critical === true, 'Its names are not critical.'],
    [
      uris.length === 1 && parseSpiffeId(uris[0] ?? '')?.kind === role,
      `It has not exactly one SPIFFE ID of a ${role}.`,
    ],
    [uris.length + dialled.length === names.length, 'It has a name of another type.'],
    [rule === 'allowed' || dialled.length > 0 === (rule === 'required'), 'Its DNS names and IP addresses do not fit.'],
    [
      dialled.every(({ type, value }) => type !== 'ip' || canonicalIp(value) !== undefined),
      'An IP address in it is not one.',
    ],
  ]);
}

function checkOrigin(leaf: X509Certificate, issuer: X509Certificate): string[] {
  const wanted = leaf.getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  const uris = (certificate: X509Certificate) =>
    (certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [])
      .filter(({ type }) => type === 'url')
      .map(({ value }) => value);
  const [domain = ''] = uris(issuer);
  return problems([
    [leaf.issuer === issuer.subject, 'It names another issuer.'],
    [wanted !== undefined && wanted === keyIdOf(issuer), 'It names another key of its issuer.'],
    [keyIdOf(leaf) !== undefined, 'It does not name its key.'],
    [
      uris(leaf).every((uri) => uri === domain || uri.startsWith(`${domain}/`)),
      'It is of another trust domain than its issuer.',
    ],
    [leaf.notBefore >= issuer.notBefore, 'It begins before its issuer does.'],
    [leaf.notAfter <= issuer.notAfter, 'It ends after its issuer does.'],
  ]);
}

/** There are a handful of issuers and many thousand leaves. */
const readIssuer = remembering(16, (der) => {
  const openssl = new OpenSslCertificate(der);
  return { issuer: new X509Certificate(Uint8Array.from(der)), openssl, publicKey: openssl.publicKey };
});

function checkSignature(der: Uint8Array, issuerCertificate: Uint8Array): string[] {
  const { openssl: issuer, publicKey } = readIssuer(issuerCertificate);
  const leaf = new OpenSslCertificate(der);
  return problems([
    [leaf.checkIssued(issuer), 'OpenSSL does not take it for a certificate of this issuer.'],
    [leaf.verify(publicKey), 'Its signature is wrong.'],
  ]);
}

function keyIdOf(certificate: X509Certificate): string | undefined {
  return certificate.getExtension(SubjectKeyIdentifierExtension)?.keyId;
}

function repeatedTypes(extensions: readonly Extension[]): string[] {
  const types = extensions.map(({ type }) => type);
  return types.filter((type, index) => types.indexOf(type) !== index);
}

function problems(checks: readonly (readonly [ok: boolean, problem: string])[]): string[] {
  return checks.filter(([ok]) => !ok).map(([, problem]) => problem);
}
