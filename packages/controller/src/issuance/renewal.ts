/**
 * When a certificate of the controller's own is renewed: half-way. Agents take a point between 70 and 90 %, to
 * spread; there is one controller, and half leaves room for a long weekend.
 */
const RENEW_AFTER = 0.5;

export function isDue(certificate: { notBefore: Date; notAfter: Date }, now: Date): boolean {
  return now >= duePoint(certificate) || now < certificate.notBefore;
}

export function duePoint({ notBefore, notAfter }: { notBefore: Date; notAfter: Date }): Date {
  return new Date(notBefore.getTime() + (notAfter.getTime() - notBefore.getTime()) * RENEW_AFTER);
}
