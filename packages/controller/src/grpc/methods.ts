import { LARGEST_MESSAGE_BYTES } from '@torchpass/protocol';
import type { Clock } from '@torchpass/core';
import { TokenBuckets, type RateLimit } from '../limits/token-bucket.ts';

/**
 * Who may call what, how often, how long and with how much: every method of the public port has an entry, and a method
 * without one is refused. Rates count calls; a caller is an address for methods open to strangers and a host for the others.
 */
export interface MethodPolicy {
  /** `anyone`: no client certificate needed. `host`: the identity of an active host. */
  caller: 'anyone' | 'host';
  /** Also for an identity that ended not long ago; the method then gives a new one and nothing else. */
  lapsed?: true;
  /** Calls at once, after a pause. */
  burst: number;
  /** Calls a second in the long run. */
  perSecond: number;
  /** From its headers to its answer, in milliseconds; also a call that never sends its message ends then. */
  deadlineMs: number;
  /** The largest message that is read, after decompression. */
  maxBytes: number;
  /** Calls open at once, of all callers together: what they may make the program hold. */
  mostOpen: number;
  /** A call that goes on until somebody ends it: ended at once when the program stops. */
  watch?: true;
}

/** More than agents wait for an answer, so that it is they who give up first. */
const AGENT_MS = 30_000;
const HEALTH_MS = 5000;
/** A watcher calls again. */
const WATCH_MS = 10 * 60_000;

/** Certificate requests are no larger than 8 KiB; names and a token go beside. */
const REQUEST_BYTES = 16 * 1024;
const NAME_BYTES = 1024;

const anyone = { caller: 'anyone' } as const;
const host = { caller: 'host', deadlineMs: AGENT_MS } as const;
const health = { ...anyone, deadlineMs: HEALTH_MS, maxBytes: NAME_BYTES, mostOpen: 128 } as const;

export const METHOD_POLICIES: Readonly<Record<string, MethodPolicy>> = {
  '/torchpass.v1.AgentService/Enroll': {
    ...anyone,
    burst: 50,
    perSecond: 5,
    deadlineMs: AGENT_MS,
    maxBytes: REQUEST_BYTES,
    mostOpen: 256,
  },
  '/torchpass.v1.AgentService/CheckIn': {
    ...host,
    burst: 60,
    perSecond: 2,
    maxBytes: LARGEST_MESSAGE_BYTES,
    mostOpen: 1024,
  },
  '/torchpass.v1.AgentService/IssueCertificate': {
    ...host,
    lapsed: true,
    burst: 80,
    perSecond: 2,
    maxBytes: REQUEST_BYTES,
    mostOpen: 1024,
  },
  '/torchpass.v1.AgentService/Leave': { ...host, burst: 5, perSecond: 0.1, maxBytes: NAME_BYTES, mostOpen: 256 },
  '/grpc.health.v1.Health/Check': { ...health, burst: 20, perSecond: 1 },
  '/grpc.health.v1.Health/Watch': { ...health, burst: 5, perSecond: 0.2, deadlineMs: WATCH_MS, watch: true },
  '/grpc.health.v1.Health/List': { ...health, burst: 5, perSecond: 0.2 },
};

/** How often an address may fail to prove who it is. */
const REFUSALS: RateLimit = { capacity: 20, refillPerSecond: 1 };

const MOST_CALLERS = 100_000;

/** The entry of a method; undefined for one that nobody entered. */
export function policyOf(method: string): MethodPolicy | undefined {
  return Object.hasOwn(METHOD_POLICIES, method) ? METHOD_POLICIES[method] : undefined;
}

export interface Admission {
  /** Takes one from the caller's allowance for the method; false when it is used up. */
  admit(method: string, caller: string): boolean;
  /** Counts one more open call of the method; undefined when there are too many. What it answers ends the count. */
  begin(method: string): (() => void) | undefined;
  /** Whether an address may still try to prove who it is. */
  mayTry(address: string): boolean;
  /** Counts that it failed to. */
  refused(address: string): void;
}

/** Counts calls against the table. A caller is remembered per method, in bounded memory. */
export function createAdmission({ clock, rateFactor }: { clock: Clock; rateFactor: number }): Admission {
  const bucketsOf = ({ capacity, refillPerSecond }: RateLimit) =>
    new TokenBuckets({
      // Below one it would admit nobody, ever.
      capacity: Math.max(1, capacity * rateFactor),
      refillPerSecond: refillPerSecond * rateFactor,
      clock,
      maxKeys: MOST_CALLERS,
    });
  const calls = new Map(
    Object.entries(METHOD_POLICIES).map(([method, { burst, perSecond }]) => [
      method,
      bucketsOf({ capacity: burst, refillPerSecond: perSecond }),
    ]),
  );
  const refusals = bucketsOf(REFUSALS);
  const open = new Map<string, number>();
  return {
    begin(method) {
      const count = open.get(method) ?? 0;
      if (count >= (policyOf(method)?.mostOpen ?? 0)) return undefined;
      open.set(method, count + 1);
      return () => void open.set(method, (open.get(method) ?? 1) - 1);
    },
    admit: (method, caller) => calls.get(method)?.take(caller) ?? false,
    mayTry: (address) => refusals.has(address),
    refused: (address) => void refusals.take(address),
  };
}
