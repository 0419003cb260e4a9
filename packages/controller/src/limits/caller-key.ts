import ipaddr from 'ipaddr.js';

/**
 * Who counts as one caller for a rate limit: an IPv4 address, or the /64 of an IPv6 address, because whoever has one
 * address of a /64 has all of them. Text that is no address is its own key.
 */
export function callerKey(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const ip = ipaddr.process(address);
  return ip instanceof ipaddr.IPv6 ? `${ip.parts.slice(0, 4).join(':')}::/64` : ip.toString();
}
