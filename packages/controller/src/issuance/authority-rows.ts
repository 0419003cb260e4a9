import type { Selectable, Updateable } from 'kysely';
import type { AuthenticRows } from '../store/authentic-rows.ts';
import type { AuthorityTable } from '../store/schema.ts';
import type { Queries } from '../store/store.ts';

export type AuthorityRow = Selectable<AuthorityTable>;

/** Every authority that there ever was, the oldest first. ROW_NOT_AUTHENTIC. */
export async function readAuthorityRows(queries: Queries, authentic: AuthenticRows): Promise<AuthorityRow[]> {
  const rows = await queries.selectFrom('authorities').selectAll().orderBy('created_at').orderBy('id').execute();
  return rows.map((row) => authentic.check('authorities', row));
}

export async function insertAuthorities(
  transaction: Queries,
  authentic: AuthenticRows,
  rows: readonly Omit<AuthorityRow, 'mac'>[],
): Promise<void> {
  await transaction
    .insertInto('authorities')
    .values(rows.map((row) => authentic.seal('authorities', row)))
    .execute();
}

/** Reads, checks and changes a row in the caller's transaction: what is not ours is never made so. ROW_NOT_AUTHENTIC. */
export async function changeAuthority(
  transaction: Queries,
  authentic: AuthenticRows,
  id: string,
  change: Updateable<AuthorityTable>,
): Promise<void> {
  const row = await transaction.selectFrom('authorities').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const changed = authentic.seal('authorities', { ...authentic.check('authorities', row), ...change });
  await transaction.updateTable('authorities').set(changed).where('id', '=', id).execute();
}
