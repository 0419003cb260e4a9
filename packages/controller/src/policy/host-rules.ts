import { isInNetworks } from '../targets/address-policy.ts';
import { findGlob } from './glob.ts';
import type { Policy } from './policy.ts';
import type { PolicyRequest, Step } from './request.ts';
import { step, unrestricted } from './step.ts';

/** Rules about the host as a whole: they decide its identity, and with it everything else. */
export function hostRules(policy: Policy, request: PolicyRequest): Step[] {
  return [...nameRules(policy, request), ...sourceRules(policy, request), ...labelRules(policy, request)];
}

function nameRules({ hostNames }: Policy, { host, token }: PolicyRequest): Step[] {
  if (host === undefined) return [];
  const steps = [listed('policy.host_names', host, hostNames, `The policy allows no host the name "${host}".`)];
  const given = token?.hostName;
  if (given !== undefined) {
    const why = `The join token is for the host "${given}" only.`;
    steps.push(step('token.host_name', host, given === host, why));
  }
  return steps;
}

function sourceRules({ sourceNetworks }: Policy, { from, token }: PolicyRequest): Step[] {
  const source = from?.[0];
  if (source === undefined) return [];
  const steps: Step[] = [];
  if (sourceNetworks === undefined) steps.push(unrestricted('policy.source_networks', source));
  else {
    const why = `The policy allows no agent to connect from ${source}.`;
    steps.push(step('policy.source_networks', source, isInNetworks(source, sourceNetworks), why));
  }
  const networks = token?.networks ?? [];
  if (networks.length > 0) {
    const why = `The join token may not be used from ${source}.`;
    steps.push(step('token.networks', source, isInNetworks(source, networks), why));
  }
  return steps;
}

function labelRules({ labels: allowed }: Policy, { labels = {} }: PolicyRequest): Step[] {
  return Object.entries(labels).map(([name, value]) => {
    const shown = `${name}=${value}`;
    if (allowed === undefined) return unrestricted('policy.labels', shown);
    const values = Object.hasOwn(allowed, name) ? (allowed[name] ?? []) : undefined;
    const why =
      values === undefined
        ? `The policy allows no label "${name}".`
        : `The policy does not allow the label "${name}" the value ${JSON.stringify(value)}.`;
    return step('policy.labels', shown, values !== undefined && findGlob(values, value) !== undefined, why);
  });
}

/** A rule that is a list of patterns. */
export function listed(rule: Step['rule'], value: string, patterns: readonly string[] | undefined, why: string): Step {
  if (patterns === undefined) return unrestricted(rule, value);
  const pattern = findGlob(patterns, value);
  return pattern === undefined ? step(rule, value, false, why) : step(rule, value, true, '', `it fits ${pattern}`);
}
