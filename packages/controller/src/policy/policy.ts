import { canonicalIp } from '@torchpass/core';
import ipaddr from 'ipaddr.js';
import type { Config } from '../config/load.ts';
import type { AddressPolicy } from '../targets/address-policy.ts';
import type { Places } from './places.ts';

/**
 * What hosts may be and have, as the configuration says under `policy:`. A list that is undefined allows everything, an empty
 * one nothing. Tokens narrow it and never widen it.
 */
export interface Policy extends AddressPolicy {
  /** Patterns of names. */
  hostNames: readonly string[] | undefined;
  /** Networks that agents may connect from. */
  sourceNetworks: readonly string[] | undefined;
  /** Networks that targets may be in. */
  targetNetworks: readonly string[] | undefined;
  /** Patterns of the DNS names that targets may have. */
  dnsNames: readonly string[] | undefined;
  jobs: readonly string[] | undefined;
  exporters: readonly string[] | undefined;
  /** Patterns of the values of each label. */
  labels: Readonly<Record<string, readonly string[]>> | undefined;
  /** Addresses that hosts may have beside the one they connect from, by pattern of their names. */
  addresses: Readonly<Record<string, Places>>;
  /** Addresses that more than one host may have. */
  sharedAddresses: Places;
  /** Addresses and DNS names of the controller, of Prometheus and of scrapers: no host may have them. */
  own: readonly string[];
}

type Configured = Pick<Config, 'policy' | 'prometheus' | 'advertise_address' | 'listen_address'>;

export function policyOf({ policy, prometheus, advertise_address, listen_address }: Configured): Policy {
  const own = [
    advertise_address.host,
    listen_address.host,
    ...prometheus.web_names,
    ...prometheus.scraper_addresses,
  ].map((text) => canonicalIp(text) ?? text.toLowerCase());
  return {
    allowedNetworks: policy.allowed_networks,
    hostNames: policy.host_names,
    sourceNetworks: policy.source_networks,
    targetNetworks: policy.target_networks,
    dnsNames: policy.dns_names,
    jobs: policy.jobs,
    exporters: policy.exporters,
    labels: policy.labels,
    addresses: policy.addresses,
    sharedAddresses: policy.shared_addresses,
    own: [...new Set(own)].filter((address) => !isEverybodys(address)),
  };
}

/** Every machine calls itself so; whether loopback may be a target is for `allowed_networks` to say. */
function isEverybodys(address: string): boolean {
  if (canonicalIp(address) === undefined) return address === 'localhost';
  return ['loopback', 'unspecified'].includes(ipaddr.parse(address).range());
}
