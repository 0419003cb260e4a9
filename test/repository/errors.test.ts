import { ERROR_KINDS, type ErrorCode, exitCodeOf, TorchpassError } from '@torchpass/core';
import { describe, expect, it } from 'vitest';
import { sections, text } from './files.ts';

const documented = sections(text('docs/errors.md'));
const CODES = Object.keys(ERROR_KINDS) as ErrorCode[];

it('docs/errors.md has one section for each code, and no other, in the order of the table', () => {
  expect(documented.map(([heading]) => heading)).toEqual(CODES);
});

describe.each(CODES)('%s', (code) => {
  const body = documented.find(([heading]) => heading === code)?.[1] ?? '';

  it('is documented with its kind and exit code', () => {
    const error = new TorchpassError(code, '');
    expect(body.split('\n')[0]).toBe(`\`${error.kind}\`, exit code ${exitCodeOf(error)}`);
  });

  it('says what happened, why, and what to do, each in a sentence', () => {
    const parts = body.split('\n\n').slice(1);
    expect(parts.map((part) => /^\*\*(.+?)\.\*\* /.exec(part)?.[1])).toEqual(['What happened', 'Why', 'What to do']);
    for (const part of parts) expect(part.replace(/^\*\*.+?\*\* /, '')).toMatch(/^[A-Z`].{15,}[.`]$/);
  });
});
