import { isTorchpassError } from '@torchpass/core';
import { isSignatureOf, signatureIdentifier, type KeyAlgorithm } from './algorithms.ts';
import { bitString, contextConstructed, sequence, TAG } from './der.ts';
import { DerReader, refusal, type Origin } from './der-reader.ts';
import { Extensions } from './extension-reader.ts';
import { readName, type NameAttribute } from './name.ts';
import { readPublicKey, type PublicKey } from './public-key.ts';
import { readTime } from './time.ts';

const LARGEST_CERTIFICATE = 64 * 1024;

/** A TBSCertificate (RFC 5280, 4.1.2) that was read. Buffers are DER of the whole field unless said otherwise. */
export interface TbsCertificate {
  origin: Origin;
  /** 1 to 3. */
  version: number;
  /** Content octets of the INTEGER. */
  serialNumber: Buffer;
  signatureAlgorithm: Buffer;
  issuer: Buffer;
  issuerName: NameAttribute[];
  subject: Buffer;
  subjectName: NameAttribute[];
  notBefore: Date;
  notAfter: Date;
  publicKey: Buffer;
  extensions: Extensions;
}

export interface Certificate extends TbsCertificate {
  der: Buffer;
  tbs: Buffer;
  /** Bytes of signatureValue. */
  signature: Buffer;
}

/** Reads a DER certificate strictly, without judging it. Refusals have the code of `origin`. */
export function readCertificate(der: Uint8Array, origin: Origin): Certificate {
  if (der.length > LARGEST_CERTIFICATE) throw refusal(origin, 'it is larger than 64 KiB');
  const outer = new DerReader(der, origin);
  const certificate = outer.expect(TAG.sequence, 'the certificate');
  outer.end('the certificate');
  const body = certificate.open(origin);
  const tbs = body.expect(TAG.sequence, 'the signed part').whole;
  const algorithm = body.expect(TAG.sequence, 'the signature algorithm').whole;
  const signature = body.bytes('the signature');
  body.end('the signature');
  const fields = readTbsCertificate(tbs, origin);
  if (!fields.signatureAlgorithm.equals(algorithm)) throw body.refuse('it names two signature algorithms');
  return { ...fields, der: certificate.whole, tbs, signature };
}

export function readTbsCertificate(tbs: Uint8Array, origin: Origin): TbsCertificate {
  const outer = new DerReader(tbs, origin);
  const body = outer.enter(TAG.sequence, 'the signed part');
  outer.end('the signed part');
  const version = readVersion(body);
  const serialNumber = body.integer('the serial number');
  const signatureAlgorithm = body.expect(TAG.sequence, 'the signature algorithm').whole;
  const issuer = readWholeName(body, 'the issuer', origin);
  const validity = body.enter(TAG.sequence, 'the validity');
  const notBefore = readTime(validity, 'the begin of validity');
  const notAfter = readTime(validity, 'the end of validity');
  validity.end('the validity');
  const subject = readWholeName(body, 'the subject', origin);
  const publicKey = body.expect(TAG.sequence, 'the public key').whole;
  const wrapped =
    version === 3 && body.has(contextConstructed(3)) ? body.enter(contextConstructed(3), 'the extensions') : undefined;
  const extensions = new Extensions(wrapped, origin);
  wrapped?.end('the extensions');
  body.end('the extensions');
  return {
    origin,
    version,
    serialNumber,
    signatureAlgorithm,
    issuer: issuer.whole,
    issuerName: issuer.attributes,
    subject: subject.whole,
    subjectName: subject.attributes,
    notBefore,
    notAfter,
    publicKey,
    extensions,
  };
}

/** The finished certificate. */
export function assembleCertificate(tbs: Uint8Array, algorithm: KeyAlgorithm, signature: Uint8Array): Buffer {
  return sequence(tbs, signatureIdentifier(algorithm), bitString(signature));
}

/** Whether `issuer` names itself as `certificate` names its issuer. Says nothing about signatures. */
export function isNamedIssuer(issuer: TbsCertificate, certificate: TbsCertificate): boolean {
  const wanted = certificate.extensions.authorityKeyIdentifier();
  const own = issuer.extensions.subjectKeyIdentifier();
  return issuer.subject.equals(certificate.issuer) && own !== undefined && wanted?.equals(own) === true;
}

/** Whether the key of `issuer` signed `certificate`, with the one algorithm that goes with that key. */
export function isSignedBy(certificate: Certificate, issuer: TbsCertificate): boolean {
  const { key, algorithm } = publicKeyOf(issuer);
  return (
    certificate.signatureAlgorithm.equals(signatureIdentifier(algorithm)) &&
    isSignatureOf(certificate.signature, certificate.tbs, key, algorithm)
  );
}

/** The public key, which must be of a kind that Torchpass uses; otherwise a refusal of the certificate. */
export function publicKeyOf({ publicKey, origin }: TbsCertificate): PublicKey {
  try {
    return readPublicKey(publicKey);
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    throw refusal(origin, 'its public key is not one that Torchpass uses', error);
  }
}

/** Lower-case hex. */
export function serialText(serialNumber: Uint8Array): string {
  return Buffer.from(serialNumber).toString('hex');
}

function readVersion(body: DerReader): number {
  if (!body.has(contextConstructed(0))) return 1;
  const wrapped = body.enter(contextConstructed(0), 'the version');
  const version = wrapped.integer('the version');
  wrapped.end('the version');
  if (version.length !== 1 || (version[0] !== 1 && version[0] !== 2)) throw body.refuse('its version is unknown');
  return version[0] + 1;
}

function readWholeName(body: DerReader, what: string, origin: Origin): { whole: Buffer; attributes: NameAttribute[] } {
  const name = body.expect(TAG.sequence, what);
  return { whole: name.whole, attributes: readName(name.open(origin), what) };
}
