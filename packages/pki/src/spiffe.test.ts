import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSpiffeId, isTrustDomain, parseSpiffeId, parseTrustDomain, type SpiffeId } from './spiffe.ts';

const name = fc.stringMatching(/^[a-z0-9]{1,63}$/);
const trustDomain = fc.constantFrom('example.org', 'metrics_1.example-2.org', 'a');
const identity: fc.Arbitrary<SpiffeId> = fc.oneof(
  fc.record({ trustDomain, kind: fc.constant('controller' as const) }),
  fc.record({ trustDomain, kind: fc.constant('agent' as const), host: name }),
  fc.record({ trustDomain, kind: fc.constant('exporter' as const), host: name, name }),
  fc.record({ trustDomain, kind: fc.constant('scraper' as const), name }),
);

test('every identity reads back', () => {
  fc.assert(
    fc.property(identity, (id) => {
      expect(parseSpiffeId(formatSpiffeId(id))).toEqual(id);
    }),
  );
});

test('what is read is written the same way: there is one spelling', () => {
  const words = fc.constantFrom(
    'controller',
    'agent',
    'exporter',
    'scraper',
    'web1',
    '',
    '..',
    '%2e',
    'A',
    'a?b',
    '#',
    ' ',
  );
  fc.assert(
    fc.property(
      fc.constantFrom('spiffe://a.org', 'spiffe://', 'https://a.org', 'spiffe://A.org'),
      fc.array(words),
      (base, path) => {
        const text = [base, ...path].join('/');
        const id = parseSpiffeId(text);
        expect(id === undefined ? text : formatSpiffeId(id)).toBe(text);
      },
    ),
    { numRuns: 3000 },
  );
});

describe('what is no identity', () => {
  test.each([
    'spiffe://a.org',
    'spiffe://a.org/',
    'spiffe://a.org/controller/',
    'spiffe://a.org/controller/x',
    'spiffe://a.org//agent/x',
    'spiffe://a.org/agent',
    'spiffe://a.org/agent/..',
    'spiffe://a.org/agent/x?y',
    'spiffe://a.org/agent/x#y',
    'spiffe://a.org/agent/X',
    'spiffe://a.org/exporter/x',
    'spiffe://a.org:443/controller',
    'spiffe://user@a.org/controller',
    'SPIFFE://a.org/controller',
    'spiffe://a.org/root',
  ])('%s', (text) => {
    expect(parseSpiffeId(text)).toBeUndefined();
  });

  test.each(['../controller', 'a/b', '', 'A', 'a'.repeat(64)])('a host called %j is not written', (host) => {
    expect(() => formatSpiffeId({ trustDomain: 'a.org', kind: 'agent', host })).toThrow(
      expect.objectContaining({ code: 'NAME_INVALID' }),
    );
  });
});

test('trust domains follow SPIFFE, without the empty parts that Go refuses in a certificate', () => {
  for (const good of ['a', 'example.org', 'my_fleet', '10.0.0.1', 'a'.repeat(255)])
    expect(isTrustDomain(good)).toBe(true);
  for (const bad of ['', 'A.org', 'a..b', '.a', 'a.', 'a/b', 'a:1', 'a@b', 'ä.org', 'a b', 'a\n', 'a'.repeat(256)]) {
    expect(isTrustDomain(bad)).toBe(false);
  }
  expect(parseTrustDomain('spiffe://a.org')).toBe('a.org');
  expect(parseTrustDomain('spiffe://a.org/')).toBeUndefined();
});
