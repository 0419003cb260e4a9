import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkLabels } from './labels.ts';
import { outcomeOf } from './testing/outcome.ts';

const outcome = (labels: Record<string, string>) => outcomeOf(() => checkLabels(labels));

test('good labels come back sorted by name', () => {
  const labels = { zone: 'eu-1', _rack: 'B 7', env: 'prod "blue" {x}\\n' };
  expect(Object.entries(checkLabels(labels))).toEqual([
    ['_rack', 'B 7'],
    ['env', 'prod "blue" {x}\\n'],
    ['zone', 'eu-1'],
  ]);
});

const unspeakable = ['', 'a-b', '1a', 'a b', 'a.b', 'ü', 'a\n', 'a"', 'a{', 'x'.repeat(65)];
const reserved = ['job', 'instance', 'host', '__address__', '__scheme__', '__metrics_path__', '__', '__proto__'];
test.each([...unspeakable, ...reserved])('the name %j is refused', (name) => {
  expect(outcome(Object.fromEntries([[name, 'x']]))).toBe('LABEL_INVALID');
});

test.each(['a\nb', 'a\r', '\0', '\u007F', '\u0085', '\u2028', '\uD800', 'x'.repeat(129)])(
  'the value %j is refused',
  (value) => {
    expect(outcome({ env: value })).toBe('LABEL_INVALID');
  },
);

test('20 labels are enough, and values count in characters', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, 'x']));
  expect(Object.keys(checkLabels(many(20)))).toHaveLength(20);
  expect(outcome(many(21))).toBe('LABEL_INVALID');
  expect(checkLabels({ face: '😀'.repeat(128) })).toBeDefined();
});

test('nothing but LABEL_INVALID comes out, whatever goes in', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string());
  fc.assert(
    fc.property(fc.dictionary(text, text), (labels) => {
      const code = outcomeOf(() => expect(checkLabels(labels)).toEqual(labels));
      expect(['done', 'LABEL_INVALID']).toContain(code);
    }),
  );
});
