import type { KeyObject } from 'node:crypto';
import { isSignatureOf, signatureIdentifier, signMessage, type KeyAlgorithm } from './algorithms.ts';
import { bitString, contextConstructed, element, sequence, smallInteger, TAG } from './der.ts';
import { checkStructure, DerReader, refusal, type Origin } from './der-reader.ts';
import { Extensions } from './extension-reader.ts';
import { keyFingerprint, publicKeyInfo } from './keys.ts';
import { EMPTY_NAME, readName } from './name.ts';
import { OID } from './oids.ts';
import { readPublicKey } from './public-key.ts';
import type { Signer } from './signer.ts';

export interface CertificateRequest {
  /** DER SubjectPublicKeyInfo. */
  publicKey: Buffer;
  algorithm: KeyAlgorithm;
  /** Lower-case hex SHA-256 of `publicKey`. */
  fingerprint: string;
}

const LARGEST_REQUEST = 8 * 1024;
const LIMITS = { depth: 12, elements: 1000 };
const ORIGIN: Origin = { code: 'CSR_INVALID', claim: 'The certificate request is not valid' };
const EXTENSION_REQUESTS: ReadonlySet<string> = new Set([OID.extensionRequest, OID.microsoftExtensionRequest]);

/** A DER certificate request (RFC 2986) with an empty subject and no attributes: it proves possession, nothing more. */
export function createCertificateRequest(privateKey: KeyObject): Buffer {
  const publicKey = publicKeyInfo(privateKey);
  const { algorithm } = readPublicKey(publicKey);
  const info = requestInfo(publicKey);
  const signature = signMessage(info, privateKey, algorithm);
  return sequence(info, signatureIdentifier(algorithm), bitString(signature));
}

/** The same for a key behind a `Signer`. */
export async function requestWithSigner({ publicKey, algorithm, sign }: Signer): Promise<Buffer> {
  const info = requestInfo(publicKey);
  return sequence(info, signatureIdentifier(algorithm), bitString(await sign(info)));
}

function requestInfo(publicKey: Buffer): Buffer {
  return sequence(smallInteger(0), EMPTY_NAME, publicKey, element(contextConstructed(0)));
}

/**
 * Reads a DER certificate request of at most 8 KiB and verifies that its sender has the private key. The names and
 * extensions that it asks for are read, so that garbage is noticed, and then ignored: policy decides names. A request to
 * become an authority is refused. CSR_INVALID with the reason, KEY_UNSUPPORTED, KEY_INVALID.
 */
export function readCertificateRequest(der: Uint8Array): CertificateRequest {
  if (der.length > LARGEST_REQUEST) throw refusal(ORIGIN, 'it is larger than 8 KiB');
  checkStructure(der, ORIGIN, LIMITS);
  const outer = new DerReader(der, ORIGIN);
  const body = outer.enter(TAG.sequence, 'the request');
  outer.end('the request');
  const info = body.expect(TAG.sequence, 'the signed part');
  const signatureAlgorithm = body.expect(TAG.sequence, 'the signature algorithm').whole;
  const signature = body.bytes('the signature');
  body.end('the signature');

  const publicKey = readInfo(info.open(ORIGIN));
  const { key, algorithm } = readPublicKey(publicKey);
  if (!signatureAlgorithm.equals(signatureIdentifier(algorithm))) {
    throw refusal(ORIGIN, 'its signature algorithm does not go with its key');
  }
  if (!isSignatureOf(signature, info.whole, key, algorithm)) throw refusal(ORIGIN, 'its signature is wrong');
  return { publicKey, algorithm, fingerprint: keyFingerprint(publicKey) };
}

/** CertificationRequestInfo; gives the SubjectPublicKeyInfo. */
function readInfo(info: DerReader): Buffer {
  const version = info.integer('the version');
  if (version.length !== 1 || version[0] !== 0) throw info.refuse('its version is unknown');
  readName(info.enter(TAG.sequence, 'the subject'), 'the subject');
  const publicKey = info.expect(TAG.sequence, 'the public key').whole;
  // Some old tools leave out an empty list of attributes.
  if (!info.atEnd) readAttributes(info.enter(contextConstructed(0), 'the attributes'));
  info.end('the attributes');
  return Buffer.from(publicKey);
}

function readAttributes(attributes: DerReader): void {
  while (!attributes.atEnd) {
    const attribute = attributes.enter(TAG.sequence, 'an attribute');
    const type = attribute.oid('the type of an attribute');
    const values = attribute.enter(TAG.set, 'the values of an attribute');
    attribute.end('an attribute');
    if (!EXTENSION_REQUESTS.has(type)) continue;
    while (!values.atEnd) refuseAuthority(values);
  }
}

function refuseAuthority(values: DerReader): void {
  const wanted = new Extensions(values, ORIGIN);
  if (wanted.basicConstraints()?.ca === true) throw values.refuse('it asks to become an authority');
}
