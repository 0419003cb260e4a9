import type { Policy } from '../policy/policy.ts';

/** A policy that says nothing, as in a configuration without the section. */
export function openPolicy(change: Partial<Policy> = {}): Policy {
  return {
    allowedNetworks: [],
    hostNames: undefined,
    sourceNetworks: undefined,
    targetNetworks: undefined,
    dnsNames: undefined,
    jobs: undefined,
    exporters: undefined,
    labels: undefined,
    addresses: {},
    sharedAddresses: [],
    own: [],
    ...change,
  };
}
