import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Actor } from '../audit/actor.ts';
import type { Access } from './access.ts';
import type { Services } from '../api/services.ts';

/** A route as data. Paths are below `/api/v1`. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  method: 'GET' | 'POST';
  path: string;
  access: Access;
  params: Params;
  /** Of a POST. A missing content counts as `{}`. */
  body: Body;
  /** Of the content, in bytes, where the usual limit is too small. */
  bodyLimit?: number;
  answer: Answer;
  /** 200 unless given. */
  status?: 201;
  handle(
    services: Services,
    request: { params: z.output<Params>; body: z.output<Body>; by: Actor },
  ): Promise<z.output<Answer>>;
}

/** Of what a caller wrote into a path. */
const LONGEST_SUBJECT = 80;

export const nothing = z.strictObject({});

/** Only for its types: the handler's request and answer are those of the schemas. */
export function route<Params extends z.ZodType, Body extends z.ZodType, Answer extends z.ZodType>(
  definition: Route<Params, Body, Answer>,
): Route {
  return definition;
}

/** Something that an operator wanted to change and that was not done. */
export interface RefusedAct {
  by: Actor;
  /** Method and path of the route, and what it was about. */
  act: string;
  subject: string;
  error: unknown;
}

export interface Mount {
  prefix: string;
  routes: readonly Route[];
  services: Services;
  /** Who sends a request, for the audit log. */
  actorOf: (request: FastifyRequest) => Actor;
  /** Told before the answer. */
  refused: (act: RefusedAct) => Promise<void>;
}

export function mount(app: FastifyInstance, { prefix, routes, services, actorOf, refused }: Mount): void {
  for (const definition of routes) {
    const { method, path, access, params, body, bodyLimit, answer, status = 200 } = definition;
    app.withTypeProvider<ZodTypeProvider>().route({
      method,
      url: `${prefix}${path}`,
      config: { access },
      schema: { params, ...(method === 'POST' ? { body } : {}), response: { [status]: answer } },
      ...(bodyLimit === undefined ? {} : { bodyLimit }),
      preValidation: async (request) => {
        if (method === 'POST') request.body ??= {};
      },
      handler: async (request, reply) => {
        const { params, body } = request;
        const answer = await definition.handle(services, { params, body, by: actorOf(request) });
        return reply.code(status).send(answer);
      },
      onError: async (request, _reply, error) => {
        if (access.permission !== 'change') return;
        const given: unknown = Object.values(request.params ?? {})[0];
        const subject = typeof given === 'string' ? given.slice(0, LONGEST_SUBJECT) : '';
        await refused({ by: actorOf(request), act: `${method} ${path}`, subject, error });
      },
    });
  }
}
