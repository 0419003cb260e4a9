import { BACKDATE_MS } from './authorities.ts';

/**
 * When a certificate of the controller's own is renewed: half-way. Agents take a point between 70 and 90 %, to
 * spread; there is one controller, and half leaves room for a long weekend.
 */
const RENEW_AFTER = 0.5;

export function isDue(certificate: { notBefore: Date; notAfter: Date }, now: Date): boolean {
  return now >= duePoint(certificate) || now < certificate.notBefore;
}

/** Counted from when it was issued, not from the backdated beginning: a certificate of a minute would be due at birth. */
function duePoint({ notBefore, notAfter }: { notBefore: Date; notAfter: Date }): Date {
  const issued = notBefore.getTime() + BACKDATE_MS;
  return new Date(issued + (notAfter.getTime() - issued) * RENEW_AFTER);
}
