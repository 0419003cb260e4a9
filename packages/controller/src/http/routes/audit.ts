import { auditPage, auditVerification, readAuditRequest, verifyAuditRequest } from '../../api/types.ts';
import { nothing, route, type Route } from '../route.ts';
import { LOOK, WORK } from './access.ts';

export const auditRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/audit/log',
    access: LOOK,
    params: nothing,
    body: readAuditRequest,
    answer: auditPage,
    handle: ({ audit }, { body }) => audit.log(body),
  }),
  route({
    method: 'POST',
    path: '/audit/verify',
    access: { ...WORK, permission: 'read' },
    params: nothing,
    body: verifyAuditRequest,
    answer: auditVerification,
    handle: ({ audit }, { body }) => audit.verify(body),
  }),
];
