import { isDnsName, isName } from '@torchpass/core';
import { z } from 'zod';
import { checkNetwork } from '../targets/address-policy.ts';
import { check, duration, MINUTE, refined } from './values.ts';

/** `policy:`, key by key. A list that is absent allows everything, an empty one nothing. */

/** Of names of hosts, jobs and exporters. */
const namePattern = check((text) => isPattern(text, isName), 'is not a name or a pattern such as web-*');
const isCanonicalDns = (text: string) => isDnsName(text) && text === text.toLowerCase();
const dnsPattern = check(
  (text) => isPattern(text, isCanonicalDns),
  'is not a DNS name or a pattern such as *.example.org, in lower case',
);
const network = refined(checkNetwork, 'is not a network such as 10.0.0.0/8 or 2001:db8::/32');
const place = refined(
  (text) => (isPattern(text, isCanonicalDns) ? text : checkNetwork(text)),
  'is neither an address, nor a network, nor a DNS name or a pattern such as *.example.org',
);

/** A pattern is well formed when a letter and a digit for its `*` both make it so: `10.0.*` is no pattern of names. */
function isPattern(text: string, isGood: (filled: string) => boolean): boolean {
  return ['x', '1'].every((filler) => isGood(text.replaceAll(/\*+/g, filler)));
}

export const policySchema = z.strictObject({
  /** Networks that may be targets although they are loopback, link-local or private. */
  allowed_networks: z.array(network).default([]),
  /** How long a host waits for a person to approve it. */
  approval_expiry: duration(MINUTE, 30 * 24 * 60 * MINUTE).prefault('24h'),
  /** Names that hosts may have. */
  host_names: z.array(namePattern).optional(),
  /** Networks that agents may connect from. */
  source_networks: z.array(network).optional(),
  /** Networks that targets may be in. */
  target_networks: z.array(network).optional(),
  /** DNS names that targets may have; `*` stays within one label. */
  dns_names: z.array(dnsPattern).optional(),
  /** Jobs that targets may be in. */
  jobs: z.array(namePattern).optional(),
  /** Names that exporters may have. */
  exporters: z.array(namePattern).optional(),
  /** Labels that targets may have, and the values of each. */
  labels: z.record(z.string(), z.array(z.string())).optional(),
  /** Addresses that hosts may have beside the one they connect from, by patterns of their names. */
  addresses: z.record(namePattern, z.array(place)).default({}),
  /** Addresses that several hosts may have, each on a port of its own: hosts behind one NAT. */
  shared_addresses: z.array(place).default([]),
});
