import { toTorchpassError, type Clock, type Logger } from '@torchpass/core';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { callerKey } from '../limits/caller-key.ts';
import type { Access } from './access.ts';
import type { Services } from '../api/services.ts';
import { createApp } from './app.ts';
import { requireOwnHost } from './host-header.ts';

export interface OperationsOptions {
  services: Pick<Services, 'unready'>;
  registry: Registry;
  logger: Logger;
  clock: Clock;
  /** Names and addresses, without port, by which others than this machine reach the server. */
  hostNames: readonly string[];
}

const METRICS_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';
const ASK: Access = { permission: 'anyone', rateLimit: { capacity: 100, refillPerSecond: 20 } };

/** What Prometheus and a supervisor ask, in the words and paths of Prometheus's own programs. Listen with `listenTcp`. */
export function createOperationsServer(options: OperationsOptions): FastifyInstance {
  const { services, registry, logger, clock, hostNames } = options;
  const grants = new Set(['anyone'] as const);
  const app = createApp({ logger, clock, grants, callerOf: (request) => callerKey(request.ip) });
  requireOwnHost(app, hostNames);
  const config = { access: ASK };
  const method = ['GET', 'HEAD'];

  app.route({
    method,
    url: '/-/healthy',
    config,
    handler: async (_request, reply) => reply.type('text/plain').send('Torchpass controller is Healthy.\n'),
  });

  app.route({
    method,
    url: '/-/ready',
    config,
    handler: async (_request, reply) => {
      const reason = await services.unready().catch((error: unknown) => {
        logger.error('Readiness could not be found out', { error });
        return toTorchpassError(error).message;
      });
      void reply.type('text/plain');
      return reason === undefined
        ? reply.send('Torchpass controller is Ready.\n')
        : reply.code(503).send(`Torchpass controller is not Ready: ${reason}\n`);
    },
  });

  app.route({
    method,
    url: '/metrics',
    config,
    handler: async (_request, reply) => {
      const text = await registry.metrics();
      return reply.header('content-type', METRICS_FORMAT).send(text);
    },
  });
  return app;
}
