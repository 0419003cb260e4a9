import { bitString, element, objectIdentifier, sequence, TAG } from './der.ts';
import { refusal, type Origin } from './der-reader.ts';
import { OID } from './oids.ts';
import { readPublicKey } from './public-key.ts';

/** What tokens (PKCS #11) give and take, in the forms of X.509. */

const COORDINATE = 32;
const SIGNATURE: Origin = { code: 'KEY_INVALID', claim: 'The signature is not valid' };

/** The DER namedCurve of P-256 (RFC 5480, 2.1.1): CKA_EC_PARAMS. */
export const P256_PARAMETERS: Buffer = objectIdentifier(OID.prime256v1);

/** DER SubjectPublicKeyInfo of an uncompressed point (65 bytes). KEY_INVALID when it is not on the curve. */
export function p256PublicKeyInfo(point: Uint8Array): Buffer {
  const spki = sequence(sequence(objectIdentifier(OID.ecPublicKey), P256_PARAMETERS), bitString(point));
  readPublicKey(spki);
  return spki;
}

/** DER ECDSA-Sig-Value (RFC 3279, 2.2.3) of r and s in 32 bytes each. KEY_INVALID for another length. */
export function p256SignatureValue(raw: Uint8Array): Buffer {
  if (raw.length !== 2 * COORDINATE) throw refusal(SIGNATURE, `it has ${raw.length} bytes instead of 64`);
  return sequence(integer(raw.subarray(0, COORDINATE)), integer(raw.subarray(COORDINATE)));
}

/** A positive INTEGER in as few octets as possible (X.690, 8.3.2). */
function integer(octets: Uint8Array): Buffer {
  const first = octets.findIndex((octet) => octet !== 0);
  const digits = first < 0 ? Buffer.alloc(1) : octets.subarray(first);
  return element(TAG.integer, ...((digits[0] ?? 0) < 0x80 ? [digits] : [Buffer.alloc(1), digits]));
}
