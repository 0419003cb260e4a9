import { addressRules } from './address-rules.ts';
import { exporterRules } from './exporter-rules.ts';
import { hostRules } from './host-rules.ts';
import type { Policy } from './policy.ts';
import type { PolicyRequest, Step } from './request.ts';

export interface Decision {
  allowed: boolean;
  /** Every rule that had something to say, in order. */
  steps: Step[];
}

/**
 * Whether a request is within the policy and the token, and why: the one place where that is decided, for tokens,
 * enrolments, check-ins, every certificate, and for `check --explain`. Asks nothing and nobody else; names are
 * resolved and neighbours looked up before.
 */
export function decide(policy: Policy, request: PolicyRequest): Decision {
  const steps = [...hostRules(policy, request), ...exporterRules(policy, request), ...addressRules(policy, request)];
  return { allowed: steps.every(({ allowed }) => allowed), steps };
}

/** The first rule that refuses; undefined when all allow. */
export function firstRefusal({ steps }: Decision): Step | undefined {
  return steps.find(({ allowed }) => !allowed);
}
