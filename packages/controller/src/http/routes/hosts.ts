import { isName } from '@torchpass/core';
import { z } from 'zod';
import {
  approveHostRequest,
  hostList,
  hostView,
  rejectHostRequest,
  orderedRenewal,
  releasedHost,
  renewHostsRequest,
  revokedHost,
  revokeHostRequest,
} from '../../api/types.ts';
import { nothing, route, type Route } from '../route.ts';
import { CHANGE, LOOK } from './access.ts';

const hostName = z.strictObject({ name: z.string().refine(isName, 'not the name of a host') });

export const hostRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/hosts',
    access: LOOK,
    params: nothing,
    body: nothing,
    answer: hostList,
    handle: async ({ hosts }) => ({ hosts: await hosts.list() }),
  }),
  route({
    method: 'GET',
    path: '/hosts/:name',
    access: LOOK,
    params: hostName,
    body: nothing,
    answer: hostView,
    handle: ({ hosts }, { params }) => hosts.show(params.name),
  }),
  route({
    method: 'POST',
    path: '/hosts/:name/approve',
    access: CHANGE,
    params: hostName,
    body: approveHostRequest,
    answer: hostView,
    handle: ({ hosts }, { params, body, by }) => hosts.approve(params.name, body.fingerprint, by),
  }),
  route({
    method: 'POST',
    path: '/hosts/:name/reject',
    access: CHANGE,
    params: hostName,
    body: rejectHostRequest,
    answer: hostView,
    handle: ({ hosts }, { params, body, by }) => hosts.reject(params.name, body.reason, by),
  }),
  route({
    method: 'POST',
    path: '/hosts/:name/revoke',
    access: CHANGE,
    params: hostName,
    body: revokeHostRequest,
    answer: revokedHost,
    handle: ({ hosts }, { params, body, by }) => hosts.revoke(params.name, body.reason, by),
  }),
  route({
    method: 'POST',
    path: '/hosts/renew',
    access: CHANGE,
    params: nothing,
    body: renewHostsRequest,
    answer: orderedRenewal,
    handle: ({ hosts }, { body, by }) => hosts.renew(body, by),
  }),
  route({
    method: 'POST',
    path: '/hosts/:name/release',
    access: CHANGE,
    params: hostName,
    body: nothing,
    answer: releasedHost,
    handle: ({ hosts }, { params, by }) => hosts.release(params.name, by),
  }),
];
