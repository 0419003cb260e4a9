import { isTorchpassError, toTorchpassError, TorchpassError, type ErrorKind, type Logger } from '@torchpass/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Problem } from '../api/types.ts';

interface KindOfProblem {
  status: number;
  title: string;
}

/**
 * Which HTTP status a kind of error has. Not 401 for who did not prove itself: that status has to name a scheme to try, and
 * these servers have none.
 */
const PROBLEM_OF_KIND: Record<ErrorKind, KindOfProblem> = {
  usage: { status: 400, title: 'Wrong usage' },
  invalid: { status: 400, title: 'Invalid content' },
  unauthenticated: { status: 403, title: 'Not authenticated' },
  refused: { status: 403, title: 'Refused' },
  'not-found': { status: 404, title: 'Not found' },
  conflict: { status: 409, title: 'In conflict with the present state' },
  exhausted: { status: 429, title: 'Limit reached' },
  unavailable: { status: 503, title: 'Not available now' },
  failed: { status: 500, title: 'Failed' },
  internal: { status: 500, title: 'Internal error' },
};

/** Parts of a request that are repeated to the caller are cut to this. */
const LONGEST_ECHO = 100;
const MOST_COMPLAINTS = 5;

/** A problem document (RFC 9457), with the members `code` and `hint`. The cause stays here. */
export function toProblem(error: TorchpassError): Problem {
  const { status, title } = PROBLEM_OF_KIND[error.kind];
  return {
    type: `urn:torchpass:error:${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}

/** Makes every failure of `app` a problem document; what the caller must not see goes to the log only. */
export function answerWithProblems(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, logger));
  app.setNotFoundHandler((request, reply) => {
    const wanted = `${request.method} ${request.url.slice(0, LONGEST_ECHO)}`;
    return sendProblem(
      new TorchpassError('NOT_FOUND', `There is nothing at ${JSON.stringify(wanted)}.`),
      request,
      reply,
      logger,
    );
  });
}

export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const known = isTorchpassError(error) ? error : (refusalByFramework(error) ?? toTorchpassError(error));
  const problem = toProblem(known);
  const fields = {
    method: request.method,
    route: request.routeOptions.url ?? 'unknown',
    code: known.code,
    error: known,
  };
  if (problem.status >= 500) logger.error('Request failed', fields);
  else logger.debug('Request refused', fields);
  if (problem.status === 429) void reply.header('retry-after', '1');
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .serializer((body: Problem) => JSON.stringify(body))
    .send(problem);
}

/** What Fastify found wrong with a request before a handler saw it. Some of its sentences repeat what was sent. */
function refusalByFramework(error: unknown): TorchpassError | undefined {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const complaints = error.validation.slice(0, MOST_COMPLAINTS).map(({ instancePath, message = 'not valid' }) => {
      const field = instancePath.slice(1).replaceAll('/', '.').slice(0, LONGEST_ECHO);
      const why = message.slice(0, 2 * LONGEST_ECHO);
      return field === '' ? why : `"${field}": ${why}`;
    });
    const place = error.validationContext === 'params' ? 'path' : 'body';
    return new TorchpassError('REQUEST_INVALID', `The request's ${place} is not valid: ${complaints.join('; ')}.`, {
      cause: error,
    });
  }
  if (!isFrameworkError(error)) return undefined;
  const reason = error.message.slice(0, 2 * LONGEST_ECHO).replace(/\.$/, '');
  return new TorchpassError('REQUEST_INVALID', `The request cannot be read: ${reason}.`, { cause: error });
}

function isFrameworkError(error: unknown): error is Error & { statusCode: number; code: string } {
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return false;
  const { statusCode, code } = error;
  return typeof statusCode === 'number' && statusCode < 500 && typeof code === 'string' && code.startsWith('FST_ERR_');
}
