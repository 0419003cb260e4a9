import {
  context,
  element,
  enumerated,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  smallInteger,
  trueBoolean,
  wholeNumber,
} from './der.ts';
import { ipOctets } from './ip.ts';
import { OID } from './oids.ts';

/** Bits of KeyUsage (RFC 5280, 4.2.1.3), counted from the left. */
export const KEY_USAGE = { digitalSignature: 0, keyCertSign: 5, crlSign: 6 } as const;

/** Tags of GeneralName (RFC 5280, 4.2.1.6). */
export const GENERAL_NAME = { dns: context(2), uri: context(6), ip: context(7) } as const;

export interface Names {
  uris: readonly string[];
  dnsNames: readonly string[];
  /** Canonical text. */
  ipAddresses: readonly string[];
}

/** CA:FALSE is the default value, so DER leaves it out. Always critical here. */
export const NO_AUTHORITY = extension(OID.basicConstraints, true, sequence());

export function authorityConstraints(pathLength: number): Buffer {
  return extension(OID.basicConstraints, true, sequence(trueBoolean(), smallInteger(pathLength)));
}

/** A leaf signs handshakes. */
export const LEAF_KEY_USAGE = extension(OID.keyUsage, true, namedBits(KEY_USAGE.digitalSignature));

export const AUTHORITY_KEY_USAGE = extension(OID.keyUsage, true, namedBits(KEY_USAGE.keyCertSign, KEY_USAGE.crlSign));

export function extendedKeyUsage(purpose: string): Buffer {
  return extension(OID.extendedKeyUsage, false, sequence(objectIdentifier(purpose)));
}

/** Critical when the subject is empty (RFC 5280, 4.2.1.6). */
export function subjectAltName({ uris, dnsNames, ipAddresses }: Names, critical: boolean): Buffer {
  const names = [
    ...uris.map((uri) => element(GENERAL_NAME.uri, Buffer.from(uri, 'latin1'))),
    ...dnsNames.map((name) => element(GENERAL_NAME.dns, Buffer.from(name, 'latin1'))),
    ...ipAddresses.map((address) => element(GENERAL_NAME.ip, ipOctets(address))),
  ];
  return extension(OID.subjectAltName, critical, sequence(...names));
}

export function subjectKeyIdentifier(keyId: Uint8Array): Buffer {
  return extension(OID.subjectKeyIdentifier, false, octetString(keyId));
}

export function authorityKeyIdentifier(keyId: Uint8Array): Buffer {
  return extension(OID.authorityKeyIdentifier, false, sequence(element(context(0), keyId)));
}

/** Of a revocation list (RFC 5280, 5.2.3). */
export function crlNumber(number: number): Buffer {
  return extension(OID.crlNumber, false, wholeNumber(number));
}

/** Of an entry in one (RFC 5280, 5.3.1). */
export function crlReason(code: number): Buffer {
  return extension(OID.crlReason, false, enumerated(code));
}

function extension(oid: string, critical: boolean, value: Uint8Array): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [trueBoolean()] : []), octetString(value));
}
