import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { TorchpassError } from './errors/error.ts';

export interface HostPort {
  /** An IP address in canonical form, or a DNS name in lower case. */
  host: string;
  port: number;
}

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** What the resolvers of some systems read as an IPv4 address, in decimal, octal or hexadecimal (inet_aton(3)). */
const NUMBER = /^(?:\d+|0x[0-9a-f]*)$/;

/** Whether `text` is a fully spelt DNS name (RFC 1123 labels, lower case, no number at the end, 253 at most). */
export function isDnsName(text: string): boolean {
  const labels = text.split('.');
  return text.length <= 253 && labels.every((label) => DNS_LABEL.test(label)) && !NUMBER.test(labels.at(-1) ?? '');
}

/**
 * The canonical text of an IP address (RFC 5952), or undefined. Only the full dotted decimal form of IPv4 is read: octal,
 * hexadecimal and shortened forms, which programs disagree on, are not; nor are zones. An IPv4-mapped IPv6
 * address becomes IPv4.
 */
export function canonicalIp(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const address = ipaddr.IPv6.parse(withoutDots(text));
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}

/** The dotted end of an IPv6 address as two groups: the library takes `::192.0.2.1` for an IPv4-mapped address. */
function withoutDots(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
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
    throw new TorchpassError('ADDRESS_INVALID', `${JSON.stringify(text.slice(0, 80))} is not an address with a port.`, {
      hint: 'Write HOST:PORT, for example 198.51.100.7:9100, metrics.example.org:9100 or [2001:db8::7]:9100.',
    });
  }
  return { host, port };
}

/** `host:port`, with an IPv6 address in brackets: what `parseHostPort` reads. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
