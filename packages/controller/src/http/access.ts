import { TorchpassError, type Clock } from '@torchpass/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TokenBuckets, type RateLimit } from '../limits/token-bucket.ts';

/** What a caller must be allowed: nothing special, to look, or to change. */
export type Permission = 'anyone' | 'read' | 'change';

/** The entry that every route needs. */
export interface Access {
  permission: Permission;
  rateLimit: RateLimit;
}

export interface AccessOptions {
  /** What callers of this server may do. Each server has one kind of caller, told apart by where it listens. */
  grants: ReadonlySet<Permission>;
  clock: Clock;
  /** Whom a rate limit is for. */
  callerOf: (request: FastifyRequest) => string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
}

const MOST_CALLERS = 10_000;
const UNKNOWN_ROUTE = 'unknown route';
const UNKNOWN_ROUTE_LIMIT: RateLimit = { capacity: 50, refillPerSecond: 10 };

/**
 * Lets a request through only when its route's entry allows it, before its body is read. A route without a complete entry
 * cannot be registered: the program does not start.
 */
export function guardAccess(app: FastifyInstance, { grants, clock, callerOf }: AccessOptions): void {
  const limits = new Map<string, TokenBuckets>();
  const limit = (route: string, rateLimit: RateLimit) =>
    limits.set(route, new TokenBuckets({ ...rateLimit, clock, maxKeys: MOST_CALLERS }));
  limit(UNKNOWN_ROUTE, UNKNOWN_ROUTE_LIMIT);

  app.addHook('onRoute', ({ method, url, config }) => {
    for (const one of [method].flat()) limit(`${one} ${url}`, checkAccess(`${one} ${url}`, config?.access).rateLimit);
  });

  app.addHook('onRequest', async (request) => {
    const { url, config } = request.routeOptions;
    const route = request.is404 || url === undefined ? UNKNOWN_ROUTE : `${request.method} ${url}`;
    if (limits.get(route)?.take(callerOf(request)) !== true) {
      throw new TorchpassError('RATE_LIMITED', 'Too many requests in a short time.', { hint: 'Repeat it later.' });
    }
    if (route === UNKNOWN_ROUTE) return;
    if (config.access === undefined || !grants.has(config.access.permission)) {
      throw new TorchpassError('METHOD_NOT_ALLOWED', `${route} is not allowed on this connection.`);
    }
  });
}

function checkAccess(route: string, access: Partial<Access> | undefined): Access {
  const { permission, rateLimit } = access ?? {};
  if (permission === undefined || rateLimit === undefined) {
    const missing = permission === undefined ? 'authorization entry' : 'rate limit';
    throw new TorchpassError('INTERNAL', `The route ${route} has no ${missing}.`);
  }
  return { permission, rateLimit };
}
