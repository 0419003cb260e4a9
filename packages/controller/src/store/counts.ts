import type { Store } from './store.ts';

export interface HostCounts {
  active: number;
  revoked: number;
  left: number;
}

export async function countHosts(store: Store): Promise<HostCounts> {
  const rows = await store
    .selectFrom('hosts')
    .select(['state', ({ fn }) => fn.countAll<number | string>().as('count')])
    .groupBy('state')
    .execute();
  const count = (state: keyof HostCounts) => Number(rows.find((row) => row.state === state)?.count ?? 0);
  return { active: count('active'), revoked: count('revoked'), left: count('left') };
}

export interface TargetCounts {
  published: number;
  pending: number;
  refused: number;
}

/** Of active hosts. */
export async function countTargets(store: Store): Promise<TargetCounts> {
  const rows = await store
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .select(({ fn }) => [
      fn.countAll<number | string>().as('all'),
      fn.count<number | string>('exporters.published_target').as('published'),
      fn.count<number | string>('exporters.target').as('accepted'),
    ])
    .where('hosts.state', '=', 'active')
    .executeTakeFirstOrThrow();
  const [all, published, accepted] = [Number(rows.all), Number(rows.published), Number(rows.accepted)];
  return { published, pending: Math.max(0, accepted - published), refused: all - accepted };
}

/** The earliest end among the certificates that published exporters were last seen with. */
export async function earliestExporterEnd(store: Store): Promise<Date | undefined> {
  const row = await store
    .selectFrom('exporters')
    .innerJoin('certificates', 'certificates.serial', 'exporters.seen_serial')
    .select(({ fn }) => fn.min('certificates.not_after').as('earliest'))
    .where('exporters.published_target', 'is not', null)
    .executeTakeFirst();
  const earliest: string | null | undefined = row?.earliest;
  return earliest === null || earliest === undefined ? undefined : new Date(earliest);
}
