import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTargets, renderTargets, type Target } from './targets.ts';
import { broken, labelName, valueText } from './testing/arbitraries.ts';
import { outcomeOf } from './testing/outcome.ts';

const address = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(65_535)).map(([host, port]) => `${host}:${port}`),
  fc.nat(65_535).map((port) => `[2001:db8::7]:${port}`),
  fc.nat(65_535).map((port) => `metrics.example.org:${port}`),
);
const target: fc.Arbitrary<Target> = fc.record({ address, labels: fc.dictionary(labelName, valueText) });

test('one group for each target, sorted, one key a line', () => {
  const text = renderTargets([
    { address: '[2001:DB8::7]:9100', labels: { job: 'node', host: 'b' } },
    { address: '198.51.100.7:9100', labels: { job: 'node', __metrics_path__: '/m', host: 'a' } },
  ]);
  expect(text).toBe(`[
  {
    "targets": [
      "198.51.100.7:9100"
    ],
    "labels": {
      "__metrics_path__": "/m",
      "host": "a",
      "job": "node"
    }
  },
  {
    "targets": [
      "[2001:db8::7]:9100"
    ],
    "labels": {
      "host": "b",
      "job": "node"
    }
  }
]
`);
});

test('no targets are an empty list', () => {
  expect(renderTargets([])).toBe('[]\n');
  expect(readTargets('[]\n')).toEqual([]);
});

test('what is rendered is read back, and the order of the input does not show', () => {
  fc.assert(
    fc.property(fc.array(target, { maxLength: 8 }), (targets) => {
      const text = renderTargets(targets);
      const read = readTargets(text);
      expect(new Set(read)).toEqual(new Set(targets));
      expect(read).toHaveLength(targets.length);
      expect(renderTargets(targets.toReversed())).toBe(text);
      expect(renderTargets(read)).toBe(text);
    }),
  );
});

test('no value of a label becomes anything but a value of that label', () => {
  const hostile = fc.constantFrom(
    '"}],"x":[{"',
    '\\"',
    '"},{"targets":["10.0.0.1:1"]',
    '</script>',
    '${HOME}',
    '__address__',
  );
  fc.assert(
    fc.property(labelName, fc.tuple(valueText, hostile, valueText), (name, parts) => {
      const labels = { [name]: parts.join('') };
      expect(JSON.parse(renderTargets([{ address: '198.51.100.7:9100', labels }]))).toEqual([
        { targets: ['198.51.100.7:9100'], labels },
      ]);
    }),
  );
});

test.each(['__address__', '__scheme__', '__param_target', '__scrape_interval__', '__proto__', 'a-b', 'a"', 'a\n', ''])(
  'the label %j is not published',
  (name) => {
    const render = () => renderTargets([{ address: '198.51.100.7:9100', labels: Object.fromEntries([[name, 'x']]) }]);
    expect(outcomeOf(render)).toBe('LABEL_INVALID');
  },
);

test.each(['198.51.100.7', 'a b:1', 'evil.example.org:9100/metrics', '198.51.100.7:9100\n', '127.1:9100', ':9100'])(
  'the address %j is not published',
  (address) => {
    const render = () => renderTargets([{ address, labels: {} }]);
    expect(outcomeOf(render)).toBe('ADDRESS_INVALID');
  },
);

test('groups of several targets are flattened', () => {
  expect(readTargets('[{"targets":["a.example:1","b.example:2"],"labels":{"job":"node"}},{"targets":[]}]')).toEqual([
    { address: 'a.example:1', labels: { job: 'node' } },
    { address: 'b.example:2', labels: { job: 'node' } },
  ]);
});

test.each([
  '',
  '{}',
  'null',
  '[null]',
  '[[]]',
  '[{}]',
  '[{"targets":"a:1"}]',
  '[{"targets":[1]}]',
  '[{"targets":[],"label":{}}]',
])('%s is not a target file', (text) => {
  expect(outcomeOf(() => readTargets(text))).toBe('CONFIG_INVALID');
});

test('broken text gives targets or an error of ours', () => {
  const good = fc.array(target, { minLength: 1, maxLength: 3 }).map(renderTargets);
  fc.assert(
    fc.property(broken(good), (text) => {
      const code = outcomeOf(() => expect(Array.isArray(readTargets(text))).toBe(true));
      expect(['done', 'CONFIG_INVALID', 'ADDRESS_INVALID', 'LABEL_INVALID']).toContain(code);
    }),
    { numRuns: 1000 },
  );
});
