import type { Clock } from '@torchpass/core';
import { TokenBuckets } from '../limits/token-bucket.ts';

/**
 * Who may call what, and how often: every method of the public port has an entry, and a method without one is refused.
 * Rates count calls; a caller is an address for methods open to strangers and a host for the others.
 */
export interface MethodPolicy {
  /** `anyone`: no client certificate needed. `host`: the identity of an active host. */
  caller: 'anyone' | 'host';
  /** Calls at once, after a pause. */
  burst: number;
  /** Calls a second in the long run. */
  perSecond: number;
}

export const METHOD_POLICIES: Readonly<Record<string, MethodPolicy>> = {
  '/torchpass.v1.AgentService/Enroll': { caller: 'anyone', burst: 50, perSecond: 5 },
  '/torchpass.v1.AgentService/CheckIn': { caller: 'host', burst: 60, perSecond: 2 },
  '/torchpass.v1.AgentService/IssueCertificate': { caller: 'host', burst: 80, perSecond: 2 },
  '/torchpass.v1.AgentService/Leave': { caller: 'host', burst: 5, perSecond: 0.1 },
  '/grpc.health.v1.Health/Check': { caller: 'anyone', burst: 20, perSecond: 1 },
  '/grpc.health.v1.Health/Watch': { caller: 'anyone', burst: 5, perSecond: 0.2 },
  '/grpc.health.v1.Health/List': { caller: 'anyone', burst: 5, perSecond: 0.2 },
};

const MOST_CALLERS = 100_000;

/** Counts calls against the table. A caller is remembered per method, in bounded memory. */
export function createAdmission({ clock, rateFactor }: { clock: Clock; rateFactor: number }) {
  const buckets = new Map(
    Object.entries(METHOD_POLICIES).map(([method, { burst, perSecond }]) => {
      const limit = { capacity: burst * rateFactor, refillPerSecond: perSecond * rateFactor };
      return [method, new TokenBuckets({ ...limit, clock, maxKeys: MOST_CALLERS })];
    }),
  );
  return (method: string, caller: string): boolean => buckets.get(method)?.take(caller) ?? false;
}
