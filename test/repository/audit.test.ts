import { expect, it } from 'vitest';
import { AUDIT_EVENTS } from '../../packages/controller/src/audit/events.ts';
import { sections, text } from './files.ts';

const documented = sections(text('docs/audit.md')).filter(([heading]) => /^[a-z_]+\.[a-z_]+$/.test(heading));

it('docs/audit.md has one section for each event, and no other, in order of their names', () => {
  expect(documented.map(([heading]) => heading)).toEqual(Object.keys(AUDIT_EVENTS).toSorted());
});

it('each says in a sentence what happened', () => {
  for (const [, body] of documented) expect(body).toMatch(/^[A-Z][^]{15,}\.$/);
});
