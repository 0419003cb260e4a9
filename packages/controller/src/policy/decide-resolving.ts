import { canonicalIp, isTorchpassError } from '@torchpass/core';
import { resolveName, type Resolve } from '../targets/address-policy.ts';
import { decide, type Decision } from './decide.ts';
import type { Policy } from './policy.ts';
import type { PolicyRequest } from './request.ts';

export interface Resolved {
  decision: Decision;
  /** An IP address to dial for `address`, one that was decided on; null when refused, and while a name has none. */
  connectTo: string | null;
  /** That the name has no address now, as a sentence: its addresses were not decided on. */
  unresolved: string | null;
}

/** As `decide`, with the addresses of a DNS name; a name that is refused for itself is not looked up. */
export async function decideResolving(policy: Policy, request: PolicyRequest, resolve: Resolve): Promise<Resolved> {
  const { address } = request;
  const decision = decide(policy, request);
  if (!decision.allowed || address === undefined) return { decision, connectTo: null, unresolved: null };
  if (canonicalIp(address) !== undefined) return { decision, connectTo: address, unresolved: null };
  try {
    const resolved = await resolveName(address, resolve);
    const whole = decide(policy, { ...request, resolved });
    return { decision: whole, connectTo: whole.allowed ? resolved[0] : null, unresolved: null };
  } catch (error) {
    if (!isTorchpassError(error, 'ADDRESS_UNRESOLVED')) throw error;
    return { decision, connectTo: null, unresolved: error.sentence };
  }
}
