import { canonicalIp, isDnsName, TorchpassError } from '@torchpass/core';
import ipaddr from 'ipaddr.js';

/**
 * Which addresses Prometheus may be pointed at. Without this an agent could turn Prometheus into a proxy into the
 * operator's own network.
 */
export interface AddressPolicy {
  /** Networks (CIDR) that are allowed although they are loopback, link-local, private or otherwise special. */
  allowedNetworks: readonly string[];
}

/** Addresses of a DNS name, IPv4 and IPv6; injected. */
export type Resolve = (name: string) => Promise<string[]>;

export interface VettedAddress {
  /** What Prometheus dials: an IP address or a DNS name, in canonical form. */
  host: string;
  /** The IP address to dial now: for a name, one that the policy accepts. */
  connectTo: string;
}

const ORDINARY = 'unicast';

/**
 * Decides whether `host` may be a target. A name has to resolve, seen from here, and every one of its addresses has to
 * be acceptable: Prometheus may dial any. `ADDRESS_REFUSED` says why; `ADDRESS_UNRESOLVED` decides nothing.
 */
export async function vetAddress(host: string, policy: AddressPolicy, resolve: Resolve): Promise<VettedAddress> {
  const ip = canonicalIp(host);
  if (ip !== undefined) {
    refuseSpecial(ip, ip, policy);
    return { host: ip, connectTo: ip };
  }
  const name = host.toLowerCase();
  if (!isDnsName(name))
    throw new TorchpassError(
      'ADDRESS_REFUSED',
      `${JSON.stringify(host.slice(0, 80))} is neither an IP address nor a DNS name.`,
    );
  const [first, ...more] = await resolveName(name, resolve);
  for (const address of [first, ...more]) refuseSpecial(address, name, policy);
  return { host: name, connectTo: first };
}

/** All addresses of a name, one at least, seen from here, in canonical form. `ADDRESS_UNRESOLVED` decides nothing. */
export async function resolveName(name: string, resolve: Resolve): Promise<[string, ...string[]]> {
  const addresses = await resolve(name).catch((cause: unknown) => {
    throw unresolved(name, cause);
  });
  const [first, ...more] = addresses.map((address) => canonicalIp(address) ?? address);
  if (first === undefined) throw unresolved(name, undefined);
  return [first, ...more];
}

/** Says nothing about the name: a name server that does not answer looks the same as a record that is gone. */
function unresolved(name: string, cause: unknown): TorchpassError {
  return new TorchpassError('ADDRESS_UNRESOLVED', `The name ${name} has no address now, seen from the controller.`, {
    cause,
    hint: 'Check the DNS record.',
  });
}

/** What an address is instead of public, such as `private`; undefined for a public one and for one that the policy names. */
export function specialRange(ip: string, { allowedNetworks }: AddressPolicy): string | undefined {
  if (isInNetworks(ip, allowedNetworks)) return undefined;
  const range = rangeOf(ip);
  return range === ORDINARY ? undefined : range;
}

function refuseSpecial(ip: string, shown: string, policy: AddressPolicy): void {
  const range = specialRange(ip, policy);
  if (range === undefined) return;
  const what = shown === ip ? ip : `${shown} (${ip})`;
  throw new TorchpassError(
    'ADDRESS_REFUSED',
    `${what} is not a public address (${range}) and the policy does not name it.`,
    {
      hint: "If it is meant, add its network to policy.allowed_networks in the controller's configuration.",
    },
  );
}

/** Of IPv6 only 2000::/3 is in use (RFC 4291, 2.4): the library calls much of the rest ordinary, `::127.0.0.1` too. */
function rangeOf(ip: string): string {
  if (!ipaddr.isValid(ip)) return 'unknown';
  const range = ipaddr.parse(ip).range();
  return range === ORDINARY && ip.includes(':') && !isInNetworks(ip, ['2000::/3']) ? 'not in use' : range;
}

/** `networks` as `checkNetwork` gives them. */
export function isInNetworks(ip: string, networks: readonly string[]): boolean {
  const canonical = canonicalIp(ip);
  if (canonical === undefined) return false;
  const address = ipaddr.parse(canonical);
  return networks.some((network) => {
    const [base, bits] = ipaddr.parseCIDR(network);
    return base.kind() === address.kind() && address.match(base, bits);
  });
}

/** An address or name as a token may allow it, in canonical form. */
export function checkClaimableAddress(text: string): string {
  const address = canonicalIp(text) ?? (isDnsName(text.toLowerCase()) ? text.toLowerCase() : undefined);
  if (address !== undefined) return address;
  throw new TorchpassError(
    'ADDRESS_INVALID',
    `${JSON.stringify(text.slice(0, 80))} is neither an IP address nor a DNS name.`,
    {
      hint: 'Write it without a port, for example 198.51.100.7 or metrics.example.org.',
    },
  );
}

/**
 * A network in CIDR notation; a single address counts as one. Shortened and octal forms of IPv4 and IPv4-mapped IPv6 are
 * refused: programs disagree on what they mean.
 */
export function checkNetwork(text: string): string {
  const single = canonicalIp(text);
  if (single !== undefined) return `${single}/${single.includes(':') ? 128 : 32}`;
  const [, base = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = canonicalIp(base);
  const isSameKind = address?.includes(':') === base.includes(':');
  if (address !== undefined && isSameKind && Number(bits) <= (base.includes(':') ? 128 : 32)) {
    return `${address}/${Number(bits)}`;
  }
  throw new TorchpassError('ADDRESS_INVALID', `${JSON.stringify(text.slice(0, 80))} is not a network.`, {
    hint: 'Write it like 198.51.100.0/24 or 2001:db8::/32.',
  });
}
