import type { Logger } from '@torchpass/core';
import { fastify, type FastifyInstance, type FastifyServerFactory } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { closeQuickly } from './close-quickly.ts';
import { guardAccess, type AccessOptions } from './access.ts';
import { answerWithProblems, sendProblem } from './problem.ts';

export interface AppOptions extends AccessOptions {
  logger: Logger;
  serverFactory?: FastifyServerFactory;
}

/** Of a request's content, in bytes, where a route does not say more. */
const BODY_LIMIT = 64 * 1024;
/** For a whole request to arrive, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;

/** What every HTTP server of the controller has in common: guarded routes, problem documents, bounded requests. */
export function createApp({ logger, serverFactory, ...access }: AppOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    exposeHeadRoutes: false,
    // A proxy's word about who is calling is not asked for.
    trustProxy: false,
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply, logger),
    ...(serverFactory === undefined ? {} : { serverFactory }),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeContentTypeParser('text/plain');
  closeQuickly(app, app.server);
  answerWithProblems(app, logger);
  guardAccess(app, access);
  app.addHook('onSend', async (_request, reply) => {
    void reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
  });
  app.addHook('onResponse', async (request, reply) => {
    logger.debug('Request answered', {
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
    });
  });
  return app;
}
