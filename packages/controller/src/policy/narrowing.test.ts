import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { openPolicy } from '../testing/policy.ts';
import { decide } from './decide.ts';
import type { Policy } from './policy.ts';
import type { Narrowing, PolicyRequest } from './request.ts';
import { decideToken } from './token.ts';

/** Few values, so that policies, tokens and requests meet. */
const IPS = ['8.8.8.8', '8.8.4.4', '10.0.0.1', '193.0.14.129', '2a01:4f8::1'];
const DNS = ['a.example.org', 'b.example.org', 'a.example.net'];
const NETWORKS = ['8.8.8.0/24', '8.0.0.0/8', '10.0.0.0/8', '0.0.0.0/0', '2a01:4f8::/32'];
const NAMES = ['web-1', 'web-2', 'db-1', 'node'];
const GLOBS = ['web-*', '*', 'db-1', 'node', '*-1'];
const PLACES = [...NETWORKS, ...DNS, '*.example.org'];

const some = (values: readonly string[]) => fc.subarray([...values]);
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const labels = fc.dictionary(fc.constantFrom('env', 'team'), fc.constantFrom('prod', 'dev'), { maxKeys: 2 });

const policies: fc.Arbitrary<Policy> = fc
  .record({
    allowedNetworks: some(NETWORKS),
    hostNames: maybe(some(GLOBS)),
    sourceNetworks: maybe(some(NETWORKS)),
    targetNetworks: maybe(some(NETWORKS)),
    dnsNames: maybe(some([...DNS, '*.example.org'])),
    jobs: maybe(some(GLOBS)),
    exporters: maybe(some(GLOBS)),
    labels: maybe(fc.dictionary(fc.constantFrom('env', 'team'), some(['prod', '*']), { maxKeys: 2 })),
    addresses: fc.dictionary(fc.constantFrom(...GLOBS), some(PLACES), { maxKeys: 2 }),
    sharedAddresses: some(PLACES),
    own: some([...IPS, ...DNS]),
  })
  .map((policy) => openPolicy(policy));

const tokens: fc.Arbitrary<Narrowing> = fc.record({
  hostName: maybe(fc.constantFrom(...NAMES)),
  networks: some(NETWORKS),
  job: maybe(fc.constantFrom(...NAMES)),
  exporters: some(NAMES),
  addresses: some([...IPS, ...DNS]),
});

const requests: fc.Arbitrary<PolicyRequest> = fc.record({
  host: fc.constantFrom(...NAMES),
  from: some(IPS).filter((from) => from.length > 0),
  labels,
  exporter: fc.constantFrom(...NAMES),
  job: fc.constantFrom(...NAMES),
  address: fc.constantFrom(...IPS, ...DNS),
  resolved: some(IPS),
  target: fc.constantFrom('8.8.8.8:1', '8.8.8.8:2'),
  neighbours: fc.subarray([{ host: 'other', target: '8.8.8.8:1' }]),
});

const RUNS = { numRuns: 20_000 };
/** On a machine that has other work. */
vi.setConfig({ testTimeout: 120_000 });

it('a token only narrows: what token and policy allow, the policy allows alone', () => {
  let allowed = 0;
  fc.assert(
    fc.property(policies, tokens, requests, (policy, token, request) => {
      if (!decide(policy, { ...request, token }).allowed) return true;
      allowed += 1;
      return decide(policy, { ...request, token: undefined }).allowed;
    }),
    RUNS,
  );
  // Else nothing was shown.
  expect(allowed).toBeGreaterThan(20);
});

it('a token that names less allows no more', () => {
  fc.assert(
    fc.property(policies, tokens, requests, (policy, token, request) => {
      const wide = {
        ...token,
        addresses: [...IPS, ...DNS],
        exporters: [],
        networks: [],
        job: undefined,
        hostName: undefined,
      };
      const refused = !decide(policy, { ...request, token }).allowed;
      expect(refused || decide(policy, { ...request, token: wide }).allowed).toBe(true);
    }),
    RUNS,
  );
});

it('a stricter policy allows no more: an absent list in place of any, and each list without one of its entries', () => {
  fc.assert(
    fc.property(policies, tokens, requests, fc.nat(), (policy, token, request, at) => {
      if (!decide(policy, { ...request, token }).allowed) return;
      const { hostNames: _, sourceNetworks: __, targetNetworks: ___, dnsNames: ____, jobs: _____, ...rest } = policy;
      const open = openPolicy({ ...rest, exporters: undefined, labels: undefined });
      const longer = {
        ...policy,
        hostNames: policy.hostNames && [...policy.hostNames, NAMES[at % NAMES.length] ?? ''],
      };
      for (const laxer of [open, longer]) expect(decide(laxer, { ...request, token }).allowed).toBe(true);
    }),
    RUNS,
  );
});

it('a token that was made under a policy can ask for nothing that the policy refuses for itself', () => {
  fc.assert(
    fc.property(policies, tokens, labels, (policy, token, given) => {
      const steps = decideToken(policy, { ...token, labels: given });
      if (steps.some(({ allowed }) => !allowed)) return;
      const { hostName: host, exporters, addresses } = token;
      const alone = [
        { host, labels: given, job: token.job },
        ...exporters.map((exporter) => ({ exporter })),
        ...addresses.map((address) => ({ host, address })),
      ];
      expect(alone.every((request) => decide(policy, request).allowed)).toBe(true);
    }),
    RUNS,
  );
});
