import { canonicalIp } from '@torchpass/core';
import { isInNetworks, specialRange } from '../targets/address-policy.ts';
import { matchesDnsGlob, matchesGlob } from './glob.ts';
import { isAmong } from './places.ts';
import type { Policy } from './policy.ts';
import type { PolicyRequest, Step } from './request.ts';
import { step, unrestricted } from './step.ts';

/** Rules about the address of a target: it ends up in a certificate, and Prometheus dials it. */
export function addressRules(policy: Policy, request: PolicyRequest): Step[] {
  const { address } = request;
  if (address === undefined) return [];
  const isIp = canonicalIp(address) !== undefined;
  const dialled = isIp ? [address] : (request.resolved ?? []);
  return [
    ownRule(policy, request, address, dialled),
    ...(isIp ? [] : [nameRule(policy, address)]),
    ...grantRule(policy, request, address),
    ...dialled.flatMap((ip) => networkRules(policy, ip, isIp ? ip : `${address} (${ip})`)),
    ...neighbourRule(policy, request, address),
  ];
}

/** Whether the policy names the address for this host; for no host in particular, whether it does for any. */
function isNamed({ addresses }: Policy, host: string | undefined, address: string): boolean {
  return Object.entries(addresses).some(
    ([pattern, places]) => (host === undefined || matchesGlob(pattern, host)) && isAmong(places, address),
  );
}

/** A certificate for such an address could answer in the controller's or Prometheus's name. */
function ownRule(policy: Policy, { host }: PolicyRequest, address: string, dialled: readonly string[]): Step {
  const own = [address, ...dialled].find((candidate) => policy.own.includes(candidate));
  if (own === undefined) return step('own_addresses', address, true, '', 'it is neither ours nor a scraper’s');
  const why = `${own === address ? address : `${address} (${own})`} is an address of the controller, of Prometheus or of a scraper, and the policy does not name it for this host (policy.addresses).`;
  return step('own_addresses', address, isNamed(policy, host, address), why, 'ours, and the policy names it for it');
}

function nameRule({ dnsNames }: Policy, name: string): Step {
  if (dnsNames === undefined) return unrestricted('policy.dns_names', name);
  const isListed = dnsNames.some((pattern) => matchesDnsGlob(pattern, name));
  return step('policy.dns_names', name, isListed, `The policy allows no target the name ${name}.`);
}

/** An address is the one that the host connects from, or policy or token name it. */
function grantRule(policy: Policy, { host, from, token }: PolicyRequest, address: string): Step[] {
  const allowed = (why: string) => [step('policy.addresses', address, true, '', why)];
  if (from?.includes(address) === true) return allowed('the host connects from it');
  if (isNamed(policy, host, address)) return allowed('the policy names it for this host');
  if (token === undefined) return allowed('a token may name it');
  if (token.addresses.includes(address)) return allowed('the join token names it');
  const source = from?.[0];
  const whose = source === undefined ? 'The join token' : `The host connects from ${source}, and its join token`;
  const why = `${whose} does not allow ${address}. Make a token with --address ${address}, or leave "advertise" out.`;
  return [step('policy.addresses', address, false, why)];
}

function networkRules(policy: Policy, ip: string, shown: string): Step[] {
  const { targetNetworks } = policy;
  const range = specialRange(ip, policy);
  return [
    targetNetworks === undefined
      ? unrestricted('policy.target_networks', shown)
      : step(
          'policy.target_networks',
          shown,
          isInNetworks(ip, targetNetworks),
          `${shown} is in none of the networks that the policy allows targets in.`,
        ),
    step(
      'policy.allowed_networks',
      shown,
      range === undefined,
      `${shown} is not a public address (${range}) and the policy does not name it. If it is meant, add its network to policy.allowed_networks in the controller's configuration.`,
      'it is public, or its network is listed',
    ),
  ];
}

/** An address belongs to one live host, or the policy lets it be shared; HOST:PORT belongs to one in any case. */
export function neighbourRule(policy: Policy, { target, neighbours }: PolicyRequest, address: string): Step[] {
  if (neighbours === undefined) return [];
  const rule = 'policy.shared_addresses';
  const [first] = neighbours;
  if (first === undefined) return [step(rule, address, true, '', 'no other host has it')];
  if (!isAmong(policy.sharedAddresses, address)) {
    const why = `The address ${address} belongs to another host. Give this host an address of its own, or have the operator revoke the other host.`;
    return [step(rule, address, false, why)];
  }
  const same = neighbours.some((neighbour) => neighbour.target === target);
  const why = `${target} belongs to another host behind the same address. Give this exporter a port of its own.`;
  return [step(rule, address, !same, why, 'it may be shared, and the port is another')];
}
