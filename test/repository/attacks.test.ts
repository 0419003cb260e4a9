import { describe, expect, it } from 'vitest';
import { projectFiles, sections, text } from './files.ts';

const FOLDER = 'test/attacks/';
const files = projectFiles().filter((path) => path.startsWith(FOLDER) && path.endsWith('.test.ts'));

/** Rows of the table in docs/security.md: attack, defence, where the defence lives, test. */
function rows(): string[][] {
  const [, body = ''] =
    sections(text('docs/security.md')).find(([heading]) => heading === 'Attacks and their tests') ?? [];
  return body
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

it('docs/security.md lists every attack that is tested, and no other', () => {
  expect(new Set(rows().map((cells) => cells[3]))).toEqual(
    new Set(files.map((path) => `\`${path.slice(FOLDER.length)}\``)),
  );
});

it('every defence that it names is where it says', () => {
  const sources = projectFiles();
  const named = rows().flatMap((cells) => [...(cells[2] ?? '').matchAll(/`([^`]+)`/g)].map(([, path = '']) => path));
  expect(named.length).toBeGreaterThanOrEqual(rows().length);
  expect(named.filter((path) => !sources.some((source) => source === `packages/${path}`))).toEqual([]);
});

describe.each(files)('%s', (path) => {
  it.each(['Attack', 'Defence', 'Lives in', 'Seen to fail'])('says at its top: %s', (what) => {
    const top = /^\/\*\*[^]*?\*\//m.exec(text(path))?.[0] ?? '';
    expect(top).toMatch(new RegExp(`^ \\* ${what}: .+`, 'm'));
  });
});
