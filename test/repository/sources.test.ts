import { describe, expect, it } from 'vitest';
import { projectFiles, text } from './files.ts';

const sources = projectFiles().filter((path) => /\.(?:ts|mjs)$/.test(path) && !path.includes('/gen/'));
const written = sources.filter((path) => path.endsWith('.ts'));
const tests = written.filter((path) => path.endsWith('.test.ts'));
const lines = (path: string) => text(path).trimEnd().split('\n').length;

/** Code without comments and strings, roughly: enough to look for words of the language. */
function code(path: string): string {
  return text(path)
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
    .replace(/(?<![:'"`])\/\/.*$/gm, '');
}

/** Places that match, as PATH:LINE, for a message that can be clicked. */
function places(paths: string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    code(path)
      .split('\n')
      .flatMap((line) => (pattern.test(line) ? [`${path}: ${line.trim()}`] : [])),
  );
}

it('there are sources and tests to look at', () => {
  expect(sources.length).toBeGreaterThan(200);
  expect(tests.length).toBeGreaterThan(40);
});

describe('sizes', () => {
  it('no file is over 300 lines', () => {
    expect(sources.filter((path) => lines(path) > 300).map((path) => `${path}: ${lines(path)}`)).toEqual([]);
  });

  it('half of the product is under 90 lines', () => {
    const sizes = written
      .filter((path) => path.startsWith('packages/') && !path.endsWith('.test.ts'))
      .map(lines)
      .toSorted((a, b) => a - b);
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThan(90);
  });
});

it('no test is left out, alone or unwritten', () => {
  expect(places(tests, /\b(?:it|test|describe)(?:\.\w+)*\.(?:only|skip|todo|fails)\b/)).toEqual([]);
});

it('nothing is of type any', () => {
  expect(places(written, /(?:\bas|:|<|\|) *any\b(?! *\()/)).toEqual([]);
});

it('only main.ts and scripts end the process, and only the seams read clock and randomness', () => {
  const libraries = written.filter(
    (path) => /^packages\/\w+\/src\//.test(path) && !/\.test\.ts$|\/testing\//.test(path),
  );
  expect(
    places(
      libraries.filter((path) => !path.endsWith('/main.ts')),
      /\bprocess\.exit\(/,
    ),
  ).toEqual([]);
  expect(places(libraries, /\bMath\.random\(/)).toEqual([]);
});

it('every class and function that core offers says what it is for', () => {
  const core = written.filter((path) => /^packages\/core\/src\/(?!.*(?:\.test\.ts$|testing\/))/.test(path));
  const bare = core.flatMap((path) =>
    [...text(path).matchAll(/(.*)\nexport (?:async )?(?:function|class) (\w+)/g)]
      .filter(([, before = '']) => !before.trimEnd().endsWith('*/'))
      .map(([, , name = '']) => `${path}: ${name}`),
  );
  expect(bare).toEqual([]);
});
