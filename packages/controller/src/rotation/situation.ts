import type { Role } from '@torchpass/pki';
import type { Selectable } from 'kysely';
import { readAuthorityRows, type AuthorityRow } from '../issuance/authority-rows.ts';
import type { AuthenticRows } from '../store/authentic-rows.ts';
import type { AuthorityDraftTable, RotationTable } from '../store/schema.ts';
import type { Queries } from '../store/store.ts';

export type AuthorityRole = 'root' | Role;
export type { AuthorityRow } from '../issuance/authority-rows.ts';
export type DraftRow = Selectable<AuthorityDraftTable>;
export type RotationRow = Selectable<RotationTable>;

export const STEPS = ['prepare', 'sign', 'activate', 'drop', 'finish'] as const;
export type Step = (typeof STEPS)[number];

/** Where a role stands. At most one authority is in each place. */
export interface Situation {
  role: AuthorityRole;
  active: AuthorityRow;
  /** Not signed yet. */
  draft: DraftRow | undefined;
  prepared: AuthorityRow | undefined;
  retiring: AuthorityRow | undefined;
  /** Present while it is under way. */
  rotation: RotationRow | undefined;
}

/** ROW_NOT_AUTHENTIC for what was not written by us: nobody begins a rotation by writing to the database. */
export async function readSituation(
  queries: Queries,
  role: AuthorityRole,
  authentic: AuthenticRows,
): Promise<Situation> {
  const rows = (await readAuthorityRows(queries, authentic)).filter((row) => row.role === role);
  const draft = await queries.selectFrom('authority_drafts').selectAll().where('role', '=', role).executeTakeFirst();
  const rotation = await queries.selectFrom('rotations').selectAll().where('role', '=', role).executeTakeFirst();
  if (draft !== undefined) authentic.check('authority_drafts', draft);
  if (rotation !== undefined) authentic.check('rotations', rotation);
  const inState = (state: AuthorityRow['state']) => rows.find((row) => row.state === state);
  const active = inState('active');
  if (active === undefined) throw new Error(`there is no active ${role} authority`);
  return { role, active, draft, prepared: inState('prepared'), retiring: inState('retiring'), rotation };
}

/** Hosts hold trust in these: it is taken away, and that is acknowledged, before the authority is gone. */
const HELD_BY_HOSTS: ReadonlySet<AuthorityRole> = new Set<AuthorityRole>(['root', 'scraper']);

/** What comes next. It follows from what is there, so that a crash anywhere goes on from where it was. */
export function nextStep({ role, draft, prepared, retiring }: Situation): Step {
  if (draft !== undefined) return 'sign';
  if (prepared !== undefined) return 'activate';
  if (retiring === undefined) return 'prepare';
  return HELD_BY_HOSTS.has(role) && retiring.dropped_at === null ? 'drop' : 'finish';
}
