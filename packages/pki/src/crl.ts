import { signatureIdentifier } from './algorithms.ts';
import { contextConstructed, element, sequence, smallInteger, TAG } from './der.ts';
import { refusal, type Origin } from './der-reader.ts';
import { authorityKeyIdentifier, crlNumber, crlReason } from './extensions.ts';
import { openIssuer, type Issuer } from './issuer.ts';
import type { Signer } from './signer.ts';
import { signCertificate } from './signing.ts';
import { encodeTime, isCertificateTime } from './time.ts';

/** Why a certificate was revoked, by its name and code in RFC 5280, 5.3.1: those that say something of a leaf for good. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const;

export type RevocationReason = keyof typeof REVOCATION_REASONS;

export interface RevokedCertificate {
  /** Lower-case hex. */
  serial: string;
  revokedAt: Date;
  reason: RevocationReason;
}

export interface CrlContent {
  /** Grows with each list of its issuer; below 2^48. */
  number: number;
  thisUpdate: Date;
  nextUpdate: Date;
  /** In the order of the list. */
  revoked: readonly RevokedCertificate[];
}

const CRL: Origin = { code: 'LINT_FAILED', claim: 'The revocation list cannot be made as asked' };

/** Version 2, which the integer 1 stands for. */
const VERSION_2 = smallInteger(1);

/**
 * The DER certificate revocation list of an issuing authority (RFC 5280, 5), signed with its key. LINT_FAILED when the signer
 * does not have that key, or a number, a time or a serial number is not one.
 */
export async function signCrl(issuer: Issuer, content: CrlContent, signer: Signer): Promise<Buffer> {
  const { certificate, algorithm, keyId } = openIssuer(issuer.role, issuer.certificate);
  if (!certificate.publicKey.equals(signer.publicKey)) throw refusal(CRL, 'the signer has another key than its issuer');
  check(content);
  const { number, thisUpdate, nextUpdate, revoked } = content;
  const tbs = sequence(
    VERSION_2,
    signatureIdentifier(algorithm),
    certificate.subject,
    encodeTime(thisUpdate),
    encodeTime(nextUpdate),
    // Absent rather than empty (RFC 5280, 5.1.2.6).
    ...(revoked.length === 0 ? [] : [sequence(...revoked.map(entry))]),
    element(contextConstructed(0), sequence(authorityKeyIdentifier(keyId), crlNumber(number))),
  );
  return signCertificate(tbs, signer);
}

function entry({ serial, revokedAt, reason }: RevokedCertificate): Buffer {
  const code = REVOCATION_REASONS[reason];
  return sequence(
    element(TAG.integer, Buffer.from(serial, 'hex')),
    encodeTime(revokedAt),
    // Unspecified is said by saying nothing (RFC 5280, 5.3.1).
    ...(code === REVOCATION_REASONS.unspecified ? [] : [sequence(crlReason(code))]),
  );
}

/** Serial numbers of ours: positive and minimal as they stand. */
const SERIAL = /^[4-7][0-9a-f]{31}$/;

function check({ number, thisUpdate, nextUpdate, revoked }: CrlContent): void {
  if (!Number.isSafeInteger(number) || number < 1 || number >= 2 ** 48)
    throw refusal(CRL, 'its number is out of range');
  const times = [thisUpdate, nextUpdate, ...revoked.map(({ revokedAt }) => revokedAt)];
  if (!times.every((time) => !Number.isNaN(time.getTime()) && isCertificateTime(time))) {
    throw refusal(CRL, 'a time in it is not one');
  }
  if (nextUpdate <= thisUpdate) throw refusal(CRL, 'the next one would not come after it');
  if (!revoked.every(({ serial }) => SERIAL.test(serial)))
    throw refusal(CRL, 'a serial number in it is not one of ours');
}
