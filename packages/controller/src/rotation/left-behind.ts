import { TorchpassError } from '@torchpass/core';
import { SERVING_STATES } from '../store/host-states.ts';
import type { Queries } from '../store/store.ts';

/** Ids of the hosts and join tokens that an operator names. `NOT_FOUND` for one that is neither. */
export async function idsOf(queries: Queries, names: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const name of names) {
    const found =
      (await queries
        .selectFrom('hosts')
        .select('id')
        .where('name', '=', name)
        .where('state', 'in', SERVING_STATES)
        .executeTakeFirst()) ??
      (await queries.selectFrom('join_tokens').select('id').where('id', '=', name).executeTakeFirst());
    if (found === undefined) {
      throw new TorchpassError('NOT_FOUND', `There is neither a host nor a join token ${JSON.stringify(name)}.`, {
        hint: 'See "torchpass ca list" for what blocks.',
      });
    }
    ids.push(found.id);
  }
  return ids;
}
