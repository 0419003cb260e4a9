import { checkPrometheusRequest, prometheusFindings, prometheusSetup } from '../../api/types.ts';
import { nothing, route, type Route } from '../route.ts';
import { WORK } from './access.ts';

/** The largest prometheus.yml that is read, 1 MiB, can be several times that as JSON. */
const CONFIG_BODY_LIMIT = 8 * 1024 * 1024;

export const prometheusRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/prometheus/setup',
    access: WORK,
    params: nothing,
    body: nothing,
    answer: prometheusSetup,
    handle: ({ prometheus }) => prometheus.setup(),
  }),
  route({
    method: 'POST',
    path: '/prometheus/check',
    access: { ...WORK, permission: 'read' },
    params: nothing,
    body: checkPrometheusRequest,
    bodyLimit: CONFIG_BODY_LIMIT,
    answer: prometheusFindings,
    handle: ({ prometheus }, { body }) => prometheus.check(body),
  }),
];
