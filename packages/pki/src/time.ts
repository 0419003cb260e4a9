import { element, TAG } from './der.ts';
import type { DerReader } from './der-reader.ts';

/** From this year on GeneralizedTime, before it UTCTime (RFC 5280, 4.1.2.5). */
const FIRST_GENERALIZED_YEAR = 2050;
const FIRST_YEAR = 1950;
const LAST_YEAR = 9999;

/** Certificates know whole seconds: the second that `date` is in. */
export function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}

/** Whether a certificate can say this time. */
export function isCertificateTime(date: Date): boolean {
  const year = date.getUTCFullYear();
  return year >= FIRST_YEAR && year <= LAST_YEAR;
}

/** DER of a Time: the form that its year demands. */
export function encodeTime(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+Z$|[-:T]/g, '');
  return date.getUTCFullYear() < FIRST_GENERALIZED_YEAR
    ? element(TAG.utcTime, Buffer.from(`${digits.slice(2)}Z`, 'latin1'))
    : element(TAG.generalizedTime, Buffer.from(`${digits}Z`, 'latin1'));
}

/** Reads a Time: seconds always, Z always, the form that the year demands; nothing that `encodeTime` would not write. */
export function readTime(reader: DerReader, what: string): Date {
  const read = reader.next();
  const text = read.content.toString('latin1');
  const digits = read.tag === TAG.utcTime ? (text < '50' ? '20' : '19') + text : text;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = [
    digits.slice(0, 4),
    digits.slice(4, 6),
    digits.slice(6, 8),
    digits.slice(8, 10),
    digits.slice(10, 12),
    digits.slice(12, 14),
  ].map(Number);
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isOne = !Number.isNaN(date.getTime()) && isCertificateTime(date) && encodeTime(date).equals(read.whole);
  if (!isOne) throw reader.refuse(`${what} is not a time`);
  return date;
}
