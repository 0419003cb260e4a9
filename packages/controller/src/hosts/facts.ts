import { canonicalIp, parseHostPort } from '@torchpass/core';
import type { Narrowing, PolicyRequest } from '../policy/request.ts';
import { listFrom, mapFrom } from '../store/json.ts';
import type { HostTable } from '../store/schema.ts';

/** How long an address of the other protocol counts as one of the host's own after it was last seen there. */
const RECENT_MS = 60 * 60_000;

const isV6 = (address: string) => address.includes(':');

/**
 * Where a host is: the address that it connects from, and, of a host with both protocols, the one that it came from by
 * the other a short time ago. Never two of one protocol: a host that comes from a new address has left the old one.
 */
export function addressesOf(host: HostTable, from: string, now: Date): readonly [string, ...string[]] {
  const known = [
    { address: host.address, at: host.last_seen_at },
    { address: host.other_address, at: host.other_seen_at },
  ];
  const other = known.find(
    ({ address, at }) =>
      address !== null &&
      at !== null &&
      isV6(address) !== isV6(from) &&
      now.getTime() - new Date(at).getTime() < RECENT_MS,
  );
  const address = other?.address ?? undefined;
  return address === undefined ? [from] : [from, address];
}

/** What is stored of a host that connects from `from`: its last address by the other protocol is kept beside. */
export function seenAt(host: HostTable, from: string, now: Date) {
  const seen = { address: from, last_seen_at: now.toISOString() };
  const isOther = isV6(host.address) !== isV6(from);
  return isOther ? { ...seen, other_address: host.address, other_seen_at: host.last_seen_at } : seen;
}

/** The address of a target that the agent leaves open: the one it has, while that is still one of the host's, else where it connects from. */
export function whereItIs(from: readonly [string, ...string[]], current: string | null): string {
  const address = current === null ? undefined : parseHostPort(current).host;
  const stays = address !== undefined && canonicalIp(address) !== undefined && from.includes(address);
  return stays ? address : from[0];
}

/** What a token allowed a host when it joined. */
export function narrowingOf(host: Pick<HostTable, 'job' | 'exporters' | 'addresses'>): Narrowing {
  return { job: host.job ?? undefined, exporters: listFrom(host.exporters), addresses: listFrom(host.addresses) };
}

/** What is asked of the policy for a host as a whole, at each check-in and for each certificate. */
export function requestOf(host: HostTable, from: readonly string[]): PolicyRequest {
  return { host: host.name, from, labels: mapFrom(host.labels), token: narrowingOf(host) };
}
