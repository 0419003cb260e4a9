import { canonicalIp } from '@torchpass/core';

/** The octets of an iPAddress name (RFC 5280, 4.2.1.6): 4 or 16. `text` is canonical, as `canonicalIp` gives it. */
export function ipOctets(text: string): Buffer {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  const [head = '', tail] = text.split('::');
  const front = groups(head);
  const back = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => 0);
  return Buffer.from([...front, ...zeros, ...back].flatMap((group) => [group >> 8, group & 0xff]));
}

/** Canonical text of 4 or 16 octets. */
export function ipText(octets: Uint8Array): string {
  const hex = Buffer.from(octets).toString('hex');
  const text = octets.length === 4 ? octets.join('.') : (hex.match(/.{4}/g) ?? []).join(':');
  return canonicalIp(text) ?? text;
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}
