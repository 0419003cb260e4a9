import ipaddr from 'ipaddr.js';
import { TorchpassError } from './errors/error.ts';

export interface HostPort {
  /** An IP address in canonical form, or a DNS name in lower case. */
  host: string;
  port: number;
}

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether `text` is a fully spelt DNS name (RFC 1123 labels, lower case, not all digits at the end, 253 at most). */
export function isDnsName(text: string): boolean {
  const labels = text.split('.');
  return text.length <= 253 && labels.every((label) => DNS_LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '');
}

/**
 * The canonical text of an IP address, or undefined. Only the full dotted decimal form of IPv4 is read: octal,
 * hexadecimal and shortened forms, which programs disagree on, are not. An IPv4-mapped IPv6 address becomes IPv4.
 */
export function canonicalIp(text: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    return text.split('.').some((part) => part.length > 1 && part.startsWith('0'))
      ? undefined
      : ipaddr.IPv4.parse(text).toString();
  }
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}

/** Reads `host:port` and `[v6]:port`. */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const rawHost = (match?.[1] ?? match?.[2] ?? '').toLowerCase();
  const port = Number(match?.[3]);
  const host =
    match?.[1] === undefined
      ? (canonicalIp(rawHost) ?? (isDnsName(rawHost) ? rawHost : undefined))
      : canonicalIp(rawHost);
  if (match === null || host === undefined || port > 65_535) {
    throw new TorchpassError('ADDRESS_INVALID', `"${text}" is not an address with a port.`, {
      hint: 'Write HOST:PORT, for example 198.51.100.7:9100, metrics.example.org:9100 or [2001:db8::7]:9100.',
    });
  }
  return { host, port };
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
