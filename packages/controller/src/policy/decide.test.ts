import { describe, expect, it } from 'vitest';
import { openPolicy } from '../testing/policy.ts';
import { decide, firstRefusal } from './decide.ts';
import type { Policy } from './policy.ts';
import type { PolicyRequest } from './request.ts';
import { refusal } from './step.ts';

const A = '193.0.14.129';
const B = '193.0.14.130';
const token = { exporters: [], addresses: [] };

/** What refuses, or undefined. */
const refusing = (policy: Partial<Policy>, request: PolicyRequest) =>
  firstRefusal(decide(openPolicy(policy), request))?.rule;

describe('without a policy', () => {
  it('a host may have any name, label, job and exporter, and the address that it connects from', () => {
    const request = {
      host: 'web-1',
      from: [A],
      labels: { env: 'prod' },
      exporter: 'node',
      job: 'x',
      address: A,
      token,
    };
    expect(decide(openPolicy(), request).allowed).toBe(true);
  });

  it('every rule that had something to say is told, with its value', () => {
    const request = {
      host: 'web-1',
      from: [A],
      labels: { env: 'prod' },
      exporter: 'node',
      job: 'x',
      address: A,
      token,
    };
    expect(decide(openPolicy(), request).steps.map(({ rule, value }) => `${rule} ${value}`)).toEqual([
      'policy.host_names web-1',
      `policy.source_networks ${A}`,
      'policy.labels env=prod',
      'policy.exporters node',
      'policy.jobs x',
      `own_addresses ${A}`,
      `policy.addresses ${A}`,
      `policy.target_networks ${A}`,
      `policy.allowed_networks ${A}`,
    ]);
  });
});

describe('is refused', () => {
  it.each<[string, Partial<Policy>, PolicyRequest, string]>([
    ['a host of another name', { hostNames: ['web-*'] }, { host: 'db-1' }, 'policy.host_names'],
    ['every host, by an empty list', { hostNames: [] }, { host: 'web-1' }, 'policy.host_names'],
    [
      'a host whose token is for another',
      {},
      { host: 'web-1', token: { ...token, hostName: 'web-2' } },
      'token.host_name',
    ],
    ['a host from elsewhere', { sourceNetworks: ['10.0.0.0/8'] }, { from: [A] }, 'policy.source_networks'],
    [
      'a host from elsewhere that was there a moment ago',
      { sourceNetworks: [`${A}/32`] },
      { from: [B, A] },
      'policy.source_networks',
    ],
    ['a token from elsewhere', {}, { from: [A], token: { ...token, networks: ['10.0.0.0/8'] } }, 'token.networks'],
    ['a label that is not listed', { labels: { env: ['*'] } }, { labels: { team: 'a' } }, 'policy.labels'],
    ['a value that is not listed', { labels: { env: ['prod'] } }, { labels: { env: 'dev' } }, 'policy.labels'],
    ['a label named like a method', { labels: {} }, { labels: { constructor: 'x' } }, 'policy.labels'],
    ['an exporter', { exporters: ['node', 'blackbox*'] }, { exporter: 'redis' }, 'policy.exporters'],
    [
      'an exporter of the token',
      {},
      { exporter: 'redis', token: { ...token, exporters: ['node'] } },
      'token.exporters',
    ],
    ['a job', { jobs: ['node'] }, { job: 'billing' }, 'policy.jobs'],
    ['a job that the token does not give', {}, { job: 'billing', token: { ...token, job: 'edge' } }, 'token.job'],
    ['an address that nobody named', {}, { from: [A], address: B, token }, 'policy.addresses'],
    [
      'an address that is named for another host',
      { addresses: { 'db-*': [`${B}/32`] } },
      { host: 'web-1', from: [A], address: B, token },
      'policy.addresses',
    ],
    ['an address outside', { targetNetworks: ['8.8.8.0/24'] }, { from: [A], address: A }, 'policy.target_networks'],
    [
      'a name with one address outside',
      { targetNetworks: ['8.8.8.0/24'] },
      { address: 'web.example.org', resolved: ['8.8.8.8', A] },
      'policy.target_networks',
    ],
    ['a name', { dnsNames: ['*.example.org'] }, { address: 'web.example.net' }, 'policy.dns_names'],
    [
      'a private address that the policy names',
      { addresses: { '*': ['10.0.0.0/8'] } },
      { host: 'a', address: '10.0.0.1' },
      'policy.allowed_networks',
    ],
    ['our own address', { own: [A] }, { from: [A], address: A }, 'own_addresses'],
    ['our own name', { own: ['mon.example.org'] }, { address: 'mon.example.org' }, 'own_addresses'],
    [
      'a name that points to our own address',
      { own: [A] },
      { address: 'web.example.org', resolved: ['8.8.8.8', A] },
      'own_addresses',
    ],
    [
      "another host's address",
      {},
      { address: A, from: [A], target: `${A}:2`, neighbours: [{ host: 'x', target: `${A}:1` }] },
      'policy.shared_addresses',
    ],
    [
      "another host's address and port, however shared",
      { sharedAddresses: [`${A}/32`] },
      { address: A, from: [A], target: `${A}:1`, neighbours: [{ host: 'x', target: `${A}:1` }] },
      'policy.shared_addresses',
    ],
  ])('%s', (_what, policy, request, rule) => {
    expect(refusing(policy, request)).toBe(rule);
  });

  it('with a sentence and a code for the one who asked', () => {
    const refused = firstRefusal(decide(openPolicy({ hostNames: ['web-*'] }), { host: 'db-1' }));
    expect(refused === undefined ? undefined : refusal(refused)).toMatchObject({
      code: 'POLICY_REFUSED',
      message: 'The policy allows no host the name "db-1".',
    });
  });
});

describe('is allowed', () => {
  it.each<[string, Partial<Policy>, PolicyRequest]>([
    ['a name that fits', { hostNames: ['db-*', 'web-*'] }, { host: 'web-1' }],
    [
      'the other address of a host with both protocols',
      {},
      { from: [A, '2a01:4f8::1'], address: '2a01:4f8::1', token },
    ],
    ['an address that the token names', {}, { from: [A], address: B, token: { ...token, addresses: [B] } }],
    [
      'an address that the policy names for the host',
      { addresses: { 'web-*': ['193.0.14.0/24'] } },
      { host: 'web-1', from: [A], address: B, token },
    ],
    [
      'our own address where the policy names it for the host',
      { own: [A], addresses: { monitor: [`${A}/32`] } },
      { host: 'monitor', from: [A], address: A, token },
    ],
    [
      'a private address in both lists',
      { allowedNetworks: ['10.0.0.0/8'], addresses: { '*': ['10.0.0.0/8'] } },
      { host: 'a', address: '10.0.0.1', token },
    ],
    [
      'a shared address on another port',
      { sharedAddresses: [`${A}/32`] },
      { address: A, from: [A], target: `${A}:2`, neighbours: [{ host: 'x', target: `${A}:1` }] },
    ],
    ['a listed label', { labels: { env: ['prod', 'dev-*'] } }, { labels: { env: 'dev-3' } }],
  ])('%s', (_what, policy, request) => {
    expect(refusing(policy, request)).toBeUndefined();
  });
});
