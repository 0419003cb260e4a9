import { z } from 'zod';
import {
  certificateList,
  listCertificatesRequest,
  revokeCertificateRequest,
  revokedCertificate,
} from '../../api/types.ts';
import { nothing, route, type Route } from '../route.ts';
import { CHANGE, LOOK } from './access.ts';

const serial = z.strictObject({ serial: z.string().regex(/^[0-9a-f]{1,40}$/, 'not a serial number') });

export const certificateRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/certificates/list',
    access: LOOK,
    params: nothing,
    body: listCertificatesRequest,
    answer: certificateList,
    handle: ({ certificates }, { body }) => certificates.list(body),
  }),
  route({
    method: 'POST',
    path: '/certificates/:serial/revoke',
    access: CHANGE,
    params: serial,
    body: revokeCertificateRequest,
    answer: revokedCertificate,
    handle: ({ certificates }, { params, body, by }) => certificates.revoke(params.serial, body.reason, by),
  }),
];
