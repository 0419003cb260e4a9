import { createHash } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';

/** Times that the controller has chosen, by serial number (lower-case hex). */
export type Appointments = ReadonlyMap<string, Date>;

const EARLIEST = 0.7;
const LATEST = 0.9;
/** Certificates are valid from a minute before they are issued. */
const BACKDATE_MS = 60_000;
const NONE: Appointments = new Map();

/**
 * When a certificate is to be renewed: at the time that the controller has chosen, but never later than 90 % of its life;
 * else at a point of its own between 70 % and 90 %.
 *
 * The point is derived from a hash of the serial number, which is random. So a fleet that joined together does not
 * renew together, and one host finds the same point again after every restart without having to remember it.
 *
 * A time before the certificate was issued means nothing: who obeyed would renew again and again.
 */
export function renewalDue(certificate: X509Certificate, appointments = NONE): Date {
  const from = certificate.validFromDate.getTime();
  const life = certificate.validToDate.getTime() - from;
  const told = appointments.get(serialOf(certificate))?.getTime();
  if (told !== undefined && told >= from + BACKDATE_MS) return new Date(Math.min(told, from + life * LATEST));
  const hash = createHash('sha256').update(certificate.serialNumber.toLowerCase()).digest().readUInt32BE(0);
  return new Date(from + life * (EARLIEST + (LATEST - EARLIEST) * (hash / 2 ** 32)));
}

/** Serial number as Torchpass writes it: lower-case hex, an even number of digits. */
export function serialOf(certificate: X509Certificate): string {
  const hex = certificate.serialNumber.toLowerCase();
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}
