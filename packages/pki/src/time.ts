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

export function encodeTime(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+Z$|[-:T]/g, '');
  return date.getUTCFullYear() < FIRST_GENERALIZED_YEAR
    ? element(TAG.utcTime, Buffer.from(`${digits.slice(2)}Z`, 'latin1'))
    : element(TAG.generalizedTime, Buffer.from(`${digits}Z`, 'latin1'));
}

/** Reads a Time of RFC 5280: seconds always, Z always, the form that the year demands. */
export function readTime(reader: DerReader, what: string): Date {
  const { tag, content } = reader.next();
  const text = content.toString('latin1');
  const shape = tag === TAG.utcTime ? /^\d{12}Z$/ : tag === TAG.generalizedTime ? /^\d{14}Z$/ : undefined;
  if (shape?.test(text) !== true) throw reader.refuse(`${what} is not a time`);
  const digits = tag === TAG.utcTime ? (text < '50' ? '20' : '19') + text : text;
  const iso = digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const date = new Date(iso);
  if (Number.isNaN(date.getTime()) || date.toISOString() !== iso) throw reader.refuse(`${what} is not a time`);
  const generalized = date.getUTCFullYear() >= FIRST_GENERALIZED_YEAR;
  if (generalized !== (tag === TAG.generalizedTime)) throw reader.refuse(`${what} has the wrong form for its year`);
  return date;
}
