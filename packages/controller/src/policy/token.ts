import { TorchpassError } from '@torchpass/core';
import type { Narrowing, PolicyRequest, Step } from './request.ts';
import { decide } from './decide.ts';
import { isWithin } from './places.ts';
import type { Policy } from './policy.ts';
import { step } from './step.ts';

/** What a token is asked to allow. */
export interface TokenRequest extends Narrowing {
  labels: Readonly<Record<string, string>>;
}

/** Everything that a token names, as policy sees it today: it is asked again at each use. */
export function decideToken(policy: Policy, token: TokenRequest): Step[] {
  const { hostName: host, networks = [], exporters, addresses, job, labels } = token;
  const requests: PolicyRequest[] = [
    { host, labels, job },
    ...exporters.map((exporter) => ({ exporter })),
    ...addresses.map((address) => ({ address, ...(host === undefined ? {} : { host }) })),
  ];
  const steps = requests.flatMap((request) => decide(policy, request).steps);
  return [...steps, ...networks.flatMap((network) => networkSteps(policy, network))];
}

function networkSteps({ sourceNetworks }: Policy, network: string): Step[] {
  if (sourceNetworks === undefined) return [];
  const why = `The policy does not allow agents to connect from all of ${network}.`;
  return [step('policy.source_networks', network, isWithin(network, sourceNetworks), why)];
}

/** What the operator is told whose token asks for more than the policy allows. */
export function tokenRefusal({ rule, why }: Step): TorchpassError {
  return new TorchpassError('POLICY_REFUSED', `${why} The token was not made (${rule}).`, {
    hint: 'A token can only narrow the policy. "torchpass-controller check --explain" shows each rule.',
  });
}
