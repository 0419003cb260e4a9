import type { AuthorityView, RotationView } from '../api/types.ts';
import type { Queries } from '../store/store.ts';
import type { Blocker } from './blockers.ts';
import { nextStep, type AuthorityRow, type Situation } from './situation.ts';

/** Every authority that there ever was, the newest of each role last. */
export async function authorityViews(queries: Queries): Promise<AuthorityView[]> {
  const rows = await queries
    .selectFrom('authorities')
    .selectAll()
    .orderBy('role')
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    role: row.role,
    state: row.state,
    key: keyPlace(row),
    issuedBy: row.issued_by,
    notBefore: row.not_before,
    notAfter: row.not_after,
    activatedAt: row.activated_at,
    goneAt: row.gone_at,
  }));
}

function keyPlace({ key_reference, state }: AuthorityRow): AuthorityView['key'] {
  if (key_reference !== '') return 'here';
  return state === 'gone' ? 'destroyed' : 'elsewhere';
}

export function rotationView(situation: Situation, blockers: readonly Blocker[]): RotationView {
  const { role, rotation } = situation;
  return {
    role,
    mode: rotation?.mode ?? 'step',
    nextStep: nextStep(situation),
    reason: rotation?.reason ?? '',
    startedAt: rotation?.started_at ?? '',
    blockers: [...blockers],
  };
}
