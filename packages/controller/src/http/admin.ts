import type { Clock, Logger } from '@torchpass/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { operator, type Actor } from '../audit/actor.ts';
import type { Permission } from './access.ts';
import type { Services } from '../api/services.ts';
import { createApp } from './app.ts';
import { auditRoutes } from './routes/audit.ts';
import { mount, type RefusedAct, type Route } from './route.ts';
import { certificateRoutes } from './routes/certificates.ts';
import { authorityRoutes } from './routes/authorities.ts';
import { hostRoutes } from './routes/hosts.ts';
import { prometheusRoutes } from './routes/prometheus.ts';
import { scraperRoutes } from './routes/scraper.ts';
import { statusRoutes } from './routes/status.ts';
import { targetRoutes } from './routes/targets.ts';
import { tokenRoutes } from './routes/tokens.ts';

export interface AdminOptions {
  services: Services;
  logger: Logger;
  clock: Clock;
  /** Told of every act that failed or was refused, before the answer. */
  refused: (act: RefusedAct) => Promise<void>;
  /** What whoever may open the socket may do; everything unless given. */
  grants?: ReadonlySet<Permission>;
}

export const API_PREFIX = '/api/v1';

export const adminRoutes: readonly Route[] = [
  ...tokenRoutes,
  ...hostRoutes,
  ...certificateRoutes,
  ...authorityRoutes,
  ...targetRoutes,
  ...auditRoutes,
  ...prometheusRoutes,
  ...scraperRoutes,
  ...statusRoutes,
];

const OPERATOR: ReadonlySet<Permission> = new Set<Permission>(['anyone', 'read', 'change']);

/** Printable, and short enough for a line of the log. */
const OPERATOR_NAME = /^[\x21-\x7e]{1,64}$/;

/** The user name that the client gives: a note for other operators. What is proven is that the socket let them in. */
function operatorOf(request: FastifyRequest): Actor {
  const name = request.headers['torchpass-operator'];
  return operator(typeof name === 'string' && OPERATOR_NAME.test(name) ? name : '');
}

/**
 * The administration API, for a Unix socket: whoever the socket's permissions let in is the operator. All who come in there
 * share one rate limit a route. Listen with `listenUnix`.
 */
export function createAdminServer({
  services,
  logger,
  clock,
  refused,
  grants = OPERATOR,
}: AdminOptions): FastifyInstance {
  const app = createApp({ logger, clock, grants, callerOf: () => 'operator' });
  mount(app, { prefix: API_PREFIX, routes: adminRoutes, services, actorOf: operatorOf, refused });
  return app;
}
