import { TorchpassError } from '@torchpass/core';
import { refusal, type Origin } from './der-reader.ts';
import { isCertificateTime, wholeSeconds } from './time.ts';

export interface Validity {
  notBefore: Date;
  notAfter: Date;
}

/**
 * What of `wanted` lies within the issuer's validity, in whole seconds. AUTHORITY_MISSING when nothing does, because the
 * issuer has ended; a refusal of `origin` when `wanted` makes no sense.
 */
export function validityWithin(issuer: Validity | undefined, wanted: Validity, origin: Origin): Validity {
  const from = wholeSeconds(wanted.notBefore);
  const until = wholeSeconds(wanted.notAfter);
  // Written so that an invalid date fails too.
  if (!(from < until && isCertificateTime(from) && isCertificateTime(until))) {
    throw refusal(origin, 'its validity does not end after it begins');
  }
  if (issuer === undefined) return { notBefore: from, notAfter: until };
  const notBefore = from < issuer.notBefore ? issuer.notBefore : from;
  const notAfter = until > issuer.notAfter ? issuer.notAfter : until;
  if (notBefore < notAfter) return { notBefore, notAfter };
  throw new TorchpassError(
    'AUTHORITY_MISSING',
    `The authority is valid from ${issuer.notBefore.toISOString()} to ${issuer.notAfter.toISOString()} and can issue nothing for another time.`,
    { hint: 'Check the clock of this machine; if it is right, the authority has to be replaced by a new one.' },
  );
}
