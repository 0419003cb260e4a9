import { generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { signatureIdentifier, signMessage, type KeyAlgorithm } from './algorithms.ts';
import { assembleCertificate, readCertificate, type Certificate } from './certificate.ts';
import { refusal, type Origin } from './der-reader.ts';
import type { NamesRead } from './extension-reader.ts';
import type { Names } from './extensions.ts';
import { ipOctets } from './ip.ts';
import { namesInText, nameLines } from './openssl-text.ts';
import { readPublicKey } from './public-key.ts';
import type { TbsFields } from './tbs.ts';

/** What the certificate shall say, from the request and the profile: never from what was encoded. */
export interface Intended extends TbsFields {
  ca: boolean;
  names: Names;
  /** Extended key usage; undefined for a root. */
  purpose: string | undefined;
  authorityKeyId: Buffer;
  /** Each extension in order, and whether it is critical. */
  extensions: readonly (readonly [oid: string, critical: boolean])[];
  /** The issuer as OpenSSL sees it; undefined when the certificate signs itself. */
  issuerCertificate: X509Certificate | undefined;
  /** Key usage, basic constraints and identity, as relying parties check them. */
  checkProfile: (certificate: Certificate) => unknown;
}

export const LINT: Origin = { code: 'LINT_FAILED', claim: 'The certificate must not be signed' };

/**
 * Looks at a certificate before it is signed: signs it with a key that nobody trusts, reads it back with OpenSSL and with
 * our own strict reader, and compares all of it with what was meant. A mistake of the encoder ends here. LINT_FAILED.
 */
export function lint(tbs: Buffer, intended: Intended): void {
  const { algorithm } = intended;
  const der = assembleCertificate(tbs, algorithm, signMessage(tbs, throwawayKey(algorithm), algorithm));
  const names = namesOf(intended);
  const own = readCertificate(der, LINT);
  compare(own, intended, names);
  try {
    compareWithOpenSsl(new X509Certificate(der), own, intended, names);
  } catch (error) {
    throw refusal(LINT, 'OpenSSL does not read back what was meant', error);
  }
}

function compare(read: Certificate, intended: Intended, names: NamesRead): void {
  const same: Record<string, boolean> = {
    'serial number': read.serialNumber.equals(intended.serialNumber),
    'signature algorithm': read.signatureAlgorithm.equals(signatureIdentifier(intended.algorithm)),
    issuer: read.issuer.equals(intended.issuer),
    subject: read.subject.equals(intended.subject),
    validity: sameTime(read.notBefore, intended.notBefore) && sameTime(read.notAfter, intended.notAfter),
    'public key': read.publicKey.equals(intended.publicKey),
    extensions: isDeepStrictEqual(
      read.extensions.oids.map((oid) => [oid, read.extensions.isCritical(oid)]),
      intended.extensions,
    ),
    names: isDeepStrictEqual(read.extensions.subjectAltName(), names),
    'authority key identifier': read.extensions.authorityKeyIdentifier()?.equals(intended.authorityKeyId) === true,
  };
  const wrong = Object.keys(same).filter((what) => same[what] !== true);
  if (wrong.length > 0) throw refusal(LINT, `${wrong.join(', ')} would not be as meant`);
  intended.checkProfile(read);
}

/** The second opinion. Throws anything at the first difference. */
function compareWithOpenSsl(read: X509Certificate, own: Certificate, intended: Intended, names: NamesRead): void {
  const same: Record<string, boolean> = {
    serial: read.serialNumber.toLowerCase() === Buffer.from(intended.serialNumber).toString('hex'),
    subject: (read.subject ?? '') === nameLines(own.subjectName),
    issuer: read.issuer === nameLines(own.issuerName),
    issued: read.checkIssued(intended.issuerCertificate ?? read),
    validity: sameTime(read.validFromDate, intended.notBefore) && sameTime(read.validToDate, intended.notAfter),
    ca: read.ca === intended.ca,
    // Node.js calls the extended key usage by this name.
    purpose: isDeepStrictEqual(read.keyUsage, intended.purpose === undefined ? undefined : [intended.purpose]),
    names: isDeepStrictEqual(namesInText(read.subjectAltName ?? ''), names),
    key: read.publicKey.equals(readPublicKey(intended.publicKey).key),
  };
  const wrong = Object.keys(same).filter((what) => same[what] !== true);
  if (wrong.length > 0) throw new Error(`OpenSSL reads another ${wrong.join(', ')}`);
}

function namesOf({ names: { uris, dnsNames, ipAddresses } }: Intended): NamesRead {
  return { uris: [...uris], dnsNames: [...dnsNames], addresses: ipAddresses.map(ipOctets), others: 0 };
}

function sameTime(a: Date, b: Date): boolean {
  return a.getTime() === b.getTime();
}

const throwawayKeys = new Map<KeyAlgorithm, KeyObject>();

/** Made once: it proves nothing to anybody, and a new one each time would halve the rate. */
function throwawayKey(algorithm: KeyAlgorithm): KeyObject {
  const known = throwawayKeys.get(algorithm);
  if (known !== undefined) return known;
  const { privateKey } =
    algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  throwawayKeys.set(algorithm, privateKey);
  return privateKey;
}
