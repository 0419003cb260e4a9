import { revokeScraperRequest, scraperStatus } from '../../api/types.ts';
import { nothing, route, type Route } from '../route.ts';
import { LOOK, WORK } from './access.ts';

export const scraperRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/scraper',
    access: LOOK,
    params: nothing,
    body: nothing,
    answer: scraperStatus,
    handle: ({ scraper }) => scraper.status(),
  }),
  route({
    method: 'POST',
    path: '/scraper/revoke',
    access: WORK,
    params: nothing,
    body: revokeScraperRequest,
    answer: scraperStatus,
    handle: ({ scraper }, { body, by }) => scraper.revoke(body.reason, by),
  }),
];
