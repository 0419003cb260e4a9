import { TorchpassError, type ErrorCode } from '@torchpass/core';
import type { Rule, Step } from './request.ts';

/** `whyNot` is for the one who is refused, `why` for who asks why it was allowed. */
export function step(rule: Rule, value: string, allowed: boolean, whyNot: string, why = 'it is listed'): Step {
  return { rule, value, allowed, why: allowed ? why : whyNot };
}

export function unrestricted(rule: Rule, value: string): Step {
  return { rule, value, allowed: true, why: 'not restricted' };
}

const CODES: Partial<Record<Rule, ErrorCode>> = {
  'policy.exporters': 'EXPORTER_REFUSED',
  'token.exporters': 'EXPORTER_REFUSED',
  'policy.jobs': 'EXPORTER_REFUSED',
  'token.job': 'EXPORTER_REFUSED',
  own_addresses: 'ADDRESS_REFUSED',
  'policy.dns_names': 'ADDRESS_REFUSED',
  'policy.addresses': 'ADDRESS_REFUSED',
  'policy.target_networks': 'ADDRESS_REFUSED',
  'policy.allowed_networks': 'ADDRESS_REFUSED',
  'policy.shared_addresses': 'ADDRESS_REFUSED',
};

/** What is said of a step that refuses: to the agent, and to the operator in the list of targets. */
export function refusal({ rule, why }: Step): TorchpassError {
  return new TorchpassError(CODES[rule] ?? 'POLICY_REFUSED', why);
}
