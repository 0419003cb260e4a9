import { checkTargetsRequest, publication, publishTargetsRequest, targetChecks, targetList } from '../../api/types.ts';
import { nothing, route, type Route } from '../route.ts';
import { LOOK, WORK } from './access.ts';

export const targetRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/targets',
    access: LOOK,
    params: nothing,
    body: nothing,
    answer: targetList,
    handle: async ({ targets }) => ({ targets: await targets.list() }),
  }),
  route({
    method: 'POST',
    path: '/targets/check',
    access: WORK,
    params: nothing,
    body: checkTargetsRequest,
    answer: targetChecks,
    handle: async ({ targets }, { body }) => ({ checks: await targets.check(body) }),
  }),
  route({
    method: 'POST',
    path: '/targets/publish',
    access: WORK,
    params: nothing,
    body: publishTargetsRequest,
    answer: publication,
    handle: ({ targets }, { body, by }) => targets.publish(body, by),
  }),
];
