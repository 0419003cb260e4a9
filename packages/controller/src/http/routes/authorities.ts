import { authorityList, rotateParams, rotateRequest } from '../../api/types.ts';
import { nothing, route, type Route } from '../route.ts';
import { LOOK, WORK } from './access.ts';

export const authorityRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/authorities',
    access: LOOK,
    params: nothing,
    body: nothing,
    answer: authorityList,
    handle: ({ authorities }) => authorities.list(),
  }),
  route({
    method: 'POST',
    path: '/authorities/:role/rotate',
    access: WORK,
    params: rotateParams,
    body: rotateRequest,
    answer: authorityList,
    handle: ({ authorities }, { params, body, by }) => authorities.rotate(params.role, body, by),
  }),
];
