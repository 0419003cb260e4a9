import { canonicalIp } from '@torchpass/core';
import ipaddr from 'ipaddr.js';
import { isInNetworks } from '../targets/address-policy.ts';
import { matchesDnsGlob } from './glob.ts';

/** Networks in CIDR notation and patterns of DNS names, as a list of the configuration names them. */
export type Places = readonly string[];

/** Whether one of `places` holds an address or a DNS name, both in canonical form. */
export function isAmong(places: Places, address: string): boolean {
  const isIp = canonicalIp(address) !== undefined;
  return places.some((place) => {
    if (place.includes('/')) return isIp && isInNetworks(address, [place]);
    return !isIp && matchesDnsGlob(place, address);
  });
}

/** Whether all of a network lies inside one of `networks`; all in CIDR notation. */
export function isWithin(network: string, networks: readonly string[]): boolean {
  const [base, bits] = ipaddr.parseCIDR(network);
  return networks.some((outer) => {
    const [outerBase, outerBits] = ipaddr.parseCIDR(outer);
    return outerBase.kind() === base.kind() && outerBits <= bits && base.match(outerBase, outerBits);
  });
}
