import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { matchesDnsGlob, matchesGlob } from './glob.ts';

/** On a machine that has other work. */
vi.setConfig({ testTimeout: 60_000 });

/** The same by the engine's own regular expressions. */
function reference(pattern: string, text: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${source}$`, 's').test(text);
}

const few = (letters: string, maxLength = 12) => fc.string({ unit: fc.constantFrom(...letters.split('')), maxLength });

describe('a pattern', () => {
  it.each([
    ['web-*', 'web-1', true],
    ['web-*', 'web-', true],
    ['web-*', 'xweb-1', false],
    ['web-*', 'web', false],
    ['*-1', 'web-11', false],
    ['w*b*1', 'web-b1', true],
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['a.c', 'abc', false],
    ['a*', 'a\nb', true],
  ])('%j and %j: %s', (pattern, text, fits) => {
    expect(matchesGlob(pattern, text)).toBe(fits);
  });

  it('means what a regular expression with .* for each star means', () => {
    fc.assert(
      fc.property(few('ab*'), few('ab'), (pattern, text) => {
        expect(matchesGlob(pattern, text)).toBe(reference(pattern, text));
      }),
      { numRuns: 20_000 },
    );
  });

  it('takes anything that an operator or an agent could write, and a star in a text is no star', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => matchesGlob(`${a}*${b}`, `${a}x*${b}`) && matchesGlob(a, a)),
      { numRuns: 5000 },
    );
    expect(matchesGlob('a', '*')).toBe(false);
  });

  it('that goes back as often as one can is answered at once', () => {
    const started = performance.now();
    expect(matchesGlob(`${'a*'.repeat(500)}b`, 'a'.repeat(5000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('a pattern of DNS names', () => {
  it.each([
    ['*.example.org', 'web.example.org', true],
    ['*.example.org', 'a.b.example.org', false],
    ['*.example.org', 'example.org', false],
    ['web-*.example.org', 'web-1.example.org', true],
    ['web-*.example.org', 'web-1.evil.example.org', false],
    ['*.example.org', 'web.example.org.evil.net', false],
  ])('%s and %s: %s', (pattern, name, fits) => {
    expect(matchesDnsGlob(pattern, name)).toBe(fits);
  });

  it('never fits a name with another number of labels', () => {
    const label = few('ab-', 5);
    fc.assert(
      fc.property(
        fc.array(few('ab*', 5), { minLength: 1, maxLength: 4 }),
        fc.array(label, { minLength: 1, maxLength: 5 }),
        (p, n) => {
          fc.pre(p.length !== n.length);
          expect(matchesDnsGlob(p.join('.'), n.join('.'))).toBe(false);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
