import type { AuthorityList, RotationView } from '@torchpass/controller/api';
import type { Page } from '../print/page.ts';
import { stateText } from '../print/words.ts';

/** What each step will do, for people. */
const STEPS: Record<RotationView['nextStep'], string> = {
  prepare: 'make a new authority',
  sign: 'sign the new authority',
  activate: 'sign with the new authority',
  drop: 'tell hosts to trust the old authority no more',
  finish: "destroy the old authority's key",
};

/** The first of many; `--output json` has all. */
const MOST_SHOWN = 20;

/** Authorities in use, and how each rotation stands. */
export function printAuthorities({ authorities, rotations }: AuthorityList, page: Page): void {
  page.table(
    [
      { title: 'authority', value: (authority) => authority.role },
      { title: 'serial number', value: (authority) => authority.id },
      { title: 'state', value: (authority) => stateText(authority.state, page.colors) },
      { title: 'ends', value: (authority) => page.relative(authority.notAfter) },
      { title: 'key', value: (authority) => authority.key },
    ],
    authorities.filter(({ state }) => state !== 'gone'),
  );
  for (const rotation of rotations) printRotation(rotation, page);
}

function printRotation({ role, mode, nextStep, blockers }: RotationView, page: Page): void {
  page.line();
  const how = mode === 'auto' ? 'by itself' : `with "torchpass ca rotate ${role} --step"`;
  page.line(`Rotation of the ${page.colors.bold(role)} authority; next, ${how}: ${STEPS[nextStep]}.`);
  if (blockers.length === 0) return page.line('Nothing blocks.');
  page.line(`${blockers.length} ${blockers.length === 1 ? 'thing blocks' : 'things block'}:`);
  for (const { kind, name, reason, lastSeenAt, until } of blockers.slice(0, MOST_SHOWN)) {
    const seen = lastSeenAt === null ? '' : ` Last seen ${page.relative(lastSeenAt)}.`;
    const ends = until === null ? '' : ` Ends ${page.relative(until)}.`;
    page.line(`- ${kind} ${name}: ${reason}${seen}${ends}`);
  }
  if (blockers.length > MOST_SHOWN) page.line(`- … and ${blockers.length - MOST_SHOWN} more; --output json lists all.`);
}
