import { posix } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkName, isName } from './names.ts';

it.each(['a', '7', 'web-1', 'node_exporter', 'db.example.org', 'x'.repeat(63), 'a--b', 'a.torchpass-new'])(
  '%s is a name',
  (text) => {
    expect(isName(text)).toBe(true);
    expect(checkName('host', text)).toBe(text);
  },
);

it.each([
  '',
  '.',
  '..',
  '-a',
  'a-',
  '.a',
  'a.',
  '_a',
  'a_',
  'a..b',
  'x'.repeat(64),
  'A',
  'é',
  'ａ',
  'a b',
  'a\n',
  '\na',
  'a\0',
  'a/b',
  '../a',
  'a\\b',
  'a:b',
  'a%2fb',
  'a*',
  'a?',
  'a"b',
  "a'b",
  'a{b}',
  '$a',
  'a;b',
  'a\u202Eb',
])('%j is not a name', (text) => {
  expect(isName(text)).toBe(false);
});

it('whatever is a name stays one segment of a path and of a SPIFFE ID', () => {
  const text = fc.string({ unit: fc.constantFrom(...Array.from('ab09.-_/\\%A \n\u0000')), maxLength: 70 });
  fc.assert(
    fc.property(text, (name) => {
      if (!isName(name)) return;
      expect(posix.join('/folder', name)).toBe(`/folder/${name}`);
      expect(new URL(`spiffe://example.org/agent/${name}`).pathname).toBe(`/agent/${name}`);
      expect(name.startsWith('.')).toBe(false);
    }),
  );
});

it('says what may not be named so, in a message that a terminal does not obey', () => {
  expect(() => checkName('host', `\u001B[2J\n${'x'.repeat(10_000)}`)).toThrow(
    expect.objectContaining({
      code: 'NAME_INVALID',
      message: expect.stringMatching(/^"\\u001b\[2J\\nx{70,80}" cannot be the name of a host\.$/),
    }),
  );
});
