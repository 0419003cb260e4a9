import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export function text(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Every file of the project that git does not ignore, also one that is not committed yet. */
export function projectFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return [...new Set(listed.split('\n'))].filter((path) => path !== '' && existsSync(join(ROOT, path))).toSorted();
}

/** Sections of a Markdown page under headings of the second level, by heading, in order. */
export function sections(markdown: string): [heading: string, body: string][] {
  return markdown
    .split(/^(?=#{1,2} )/m)
    .filter((part) => part.startsWith('## '))
    .map((part) => {
      const [heading = '', ...body] = part.split('\n');
      return [heading.slice(3).trim(), body.join('\n').trim()];
    });
}
