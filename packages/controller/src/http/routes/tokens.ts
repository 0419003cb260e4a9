import { z } from 'zod';
import { createdToken, createTokenRequest, tokenList, tokenView } from '../../api/types.ts';
import { nothing, route, type Route } from '../route.ts';
import { CHANGE, LOOK } from './access.ts';

const tokenId = z.strictObject({ id: z.string().regex(/^[a-z2-7]{16}$/, 'not the identifier of a token') });

export const tokenRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/tokens',
    access: CHANGE,
    params: nothing,
    body: createTokenRequest,
    answer: createdToken,
    status: 201,
    handle: ({ tokens }, { body, by }) => tokens.create(body, by),
  }),
  route({
    method: 'GET',
    path: '/tokens',
    access: LOOK,
    params: nothing,
    body: nothing,
    answer: tokenList,
    handle: async ({ tokens }) => ({ tokens: await tokens.list() }),
  }),
  route({
    method: 'POST',
    path: '/tokens/:id/revoke',
    access: CHANGE,
    params: tokenId,
    body: nothing,
    answer: tokenView,
    handle: ({ tokens }, { params, by }) => tokens.revoke(params.id, by),
  }),
];
