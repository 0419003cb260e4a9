import { signatureIdentifier, type KeyAlgorithm } from './algorithms.ts';
import { contextConstructed, element, sequence, smallInteger, TAG } from './der.ts';
import { encodeTime } from './time.ts';

/** What goes into a TBSCertificate (RFC 5280, 4.1.2). Names, key and extensions are DER. */
export interface TbsFields {
  /** Content octets. */
  serialNumber: Uint8Array;
  /** Of the issuer's key. */
  algorithm: KeyAlgorithm;
  issuer: Uint8Array;
  subject: Uint8Array;
  notBefore: Date;
  notAfter: Date;
  publicKey: Uint8Array;
}

/** Version 3, which the integer 2 stands for. */
const VERSION_3 = element(contextConstructed(0), smallInteger(2));

export function encodeTbs(fields: TbsFields, extensions: readonly Uint8Array[]): Buffer {
  return sequence(
    VERSION_3,
    element(TAG.integer, fields.serialNumber),
    signatureIdentifier(fields.algorithm),
    fields.issuer,
    sequence(encodeTime(fields.notBefore), encodeTime(fields.notAfter)),
    fields.subject,
    fields.publicKey,
    element(contextConstructed(3), sequence(...extensions)),
  );
}
