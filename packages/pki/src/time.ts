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
  return element(timeTag(date), Buffer.from(timeText(date), 'latin1'));
}

/** Reads a Time: seconds always, Z always, the form that the year demands; nothing that `encodeTime` would not write. */
export function readTime(reader: DerReader, what: string): Date {
  const read = reader.next();
  const { text } = read;
  const digits = read.tag === TAG.utcTime ? (text < '50' ? '20' : '19') + text : text;
  const part = (from: number, to: number) => Number(digits.slice(from, to));
  const date = new Date(Date.UTC(part(0, 4), part(4, 6) - 1, part(6, 8), part(8, 10), part(10, 12), part(12, 14)));
  const isTime = !Number.isNaN(date.getTime()) && isCertificateTime(date);
  if (!isTime || timeTag(date) !== read.tag || timeText(date) !== text) throw reader.refuse(`${what} is not a time`);
  return date;
}

function timeTag(date: Date): number {
  return date.getUTCFullYear() < FIRST_GENERALIZED_YEAR ? TAG.utcTime : TAG.generalizedTime;
}

/** `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`. */
function timeText(date: Date): string {
  const iso = date.toISOString();
  const year = timeTag(date) === TAG.utcTime ? iso.slice(2, 4) : iso.slice(0, 4);
  return `${year}${iso.slice(5, 7)}${iso.slice(8, 10)}${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`;
}
