import type { Clock, Logger } from '@torchpass/core';
import type { FastifyInstance } from 'fastify';
import type { Permission } from './access.ts';
import type { Services } from './api/services.ts';
import { createApp } from './app.ts';
import { mount, type Route } from './route.ts';
import { hostRoutes } from './routes/hosts.ts';
import { prometheusRoutes } from './routes/prometheus.ts';
import { statusRoutes } from './routes/status.ts';
import { targetRoutes } from './routes/targets.ts';
import { tokenRoutes } from './routes/tokens.ts';

export interface AdminOptions {
  services: Services;
  logger: Logger;
  clock: Clock;
  /** What whoever may open the socket may do; everything unless given. */
  grants?: ReadonlySet<Permission>;
}

export const API_PREFIX = '/api/v1';

export const adminRoutes: readonly Route[] = [
  ...tokenRoutes,
  ...hostRoutes,
  ...targetRoutes,
  ...prometheusRoutes,
  ...statusRoutes,
];

const OPERATOR: ReadonlySet<Permission> = new Set<Permission>(['anyone', 'read', 'change']);

/**
 * The administration API, for a Unix socket: whoever the socket's permissions let in is the operator. All who come in there
 * share one rate limit a route. Listen with `listenUnix`.
 */
export function createAdminServer({ services, logger, clock, grants = OPERATOR }: AdminOptions): FastifyInstance {
  const app = createApp({ logger, clock, grants, callerOf: () => 'operator' });
  mount(app, API_PREFIX, adminRoutes, services);
  return app;
}
