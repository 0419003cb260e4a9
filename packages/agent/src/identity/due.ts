import { createHash } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';

const EARLIEST = 0.7;
const LATEST = 0.9;

/**
 * When a certificate is to be renewed: at a point between 70 % and 90 % of its life.
 *
 * The point is derived from a hash of the serial number, which is random. So a fleet that joined together does not
 * renew together, and one host finds the same point again after every restart without having to remember it.
 */
export function renewalDue(certificate: X509Certificate): Date {
  const from = certificate.validFromDate.getTime();
  const life = certificate.validToDate.getTime() - from;
  const hash = createHash('sha256').update(certificate.serialNumber.toLowerCase()).digest().readUInt32BE(0);
  return new Date(from + life * (EARLIEST + (LATEST - EARLIEST) * (hash / 2 ** 32)));
}

/** Serial number as Torchpass writes it: lower-case hex, an even number of digits. */
export function serialOf(certificate: X509Certificate): string {
  const hex = certificate.serialNumber.toLowerCase();
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}
