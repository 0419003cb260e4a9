import { controllerStatus } from '../../api/types.ts';
import { nothing, route, type Route } from '../route.ts';
import { LOOK } from './access.ts';

export const statusRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/status',
    access: LOOK,
    params: nothing,
    body: nothing,
    answer: controllerStatus,
    handle: (services) => services.status(),
  }),
];
