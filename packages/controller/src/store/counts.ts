import { sql } from 'kysely';
import type { Role } from '@torchpass/pki';
import { LIVE_STATES, type HostState } from './host-states.ts';
import type { Store } from './store.ts';

/** In the order in which they are shown. */
const HOST_STATES = [
  'active',
  'pending',
  'quarantined',
  'revoked',
  'left',
  'rejected',
  'expired',
] as const satisfies HostState[];

export type HostCounts = Record<HostState, number>;

export async function countHosts(store: Store): Promise<HostCounts> {
  const rows = await store
    .selectFrom('hosts')
    .select(['state', ({ fn }) => fn.countAll<number | string>().as('count')])
    .groupBy('state')
    .execute();
  const count = (state: HostState) => Number(rows.find((row) => row.state === state)?.count ?? 0);
  return Object.fromEntries(HOST_STATES.map((state) => [state, count(state)])) as HostCounts;
}

export interface TargetCounts {
  published: number;
  pending: number;
  refused: number;
}

/** Of live hosts. */
export async function countTargets(store: Store): Promise<TargetCounts> {
  const rows = await store
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .select(({ fn }) => [
      fn.countAll<number | string>().as('all'),
      fn.count<number | string>('exporters.published_target').as('published'),
      fn.count<number | string>('exporters.target').as('accepted'),
    ])
    .where('hosts.state', 'in', LIVE_STATES)
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

/**
 * Published exporters whose certificate, as last seen, has less than a twentieth of its life left or none. Agents renew
 * at 70 to 90 % of it, so that these are late, however long certificates live.
 */
export async function countOverdueExporters(store: Store, now: Date): Promise<number> {
  const left = sql<number>`julianday(not_after) - julianday(${now.toISOString()})`;
  const life = sql<number>`julianday(not_after) - julianday(not_before)`;
  const { count } = await store
    .selectFrom('exporters')
    .innerJoin('certificates', 'certificates.serial', 'exporters.seen_serial')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('exporters.published_target', 'is not', null)
    .where(sql<boolean>`(${left}) < (${life}) / 20`)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** How many certificates were ever issued, by role. */
export async function countIssued(store: Store): Promise<Map<Role, number>> {
  const rows = await store
    .selectFrom('certificates')
    .select(({ fn }) => ['role', fn.count<number | string>('issued_at').as('count')])
    .groupBy('role')
    .execute();
  return new Map(rows.map(({ role, count }) => [role, Number(count)]));
}

/** How many certificates were ever revoked, by role. */
export async function countRevoked(store: Store): Promise<Map<Role, number>> {
  const rows = await store
    .selectFrom('certificates')
    .select(({ fn }) => ['role', fn.countAll<number | string>().as('count')])
    .where('revoked_at', 'is not', null)
    .groupBy('role')
    .execute();
  return new Map(rows.map(({ role, count }) => [role, Number(count)]));
}

/** Until when the newest revocation list of each authority is good, by the authority's id. */
export async function revocationListEnds(store: Store): Promise<Map<string, Date>> {
  const rows = await store.selectFrom('revocation_lists').select(['authority_id', 'next_update']).execute();
  return new Map(
    rows.flatMap(({ authority_id: id, next_update: end }) => (end === null ? [] : [[id, new Date(end)] as const])),
  );
}

/** When the newest certificates of the installation's own end: those that belong to no host. */
export async function ownCertificateEnds(store: Store): Promise<Map<Role, Date>> {
  const rows = await store
    .selectFrom('certificates')
    .select(['role', 'not_after'])
    .where('host_id', 'is', null)
    .where('issued_at', 'is not', null)
    .orderBy('issued_at')
    .execute();
  return new Map(rows.map(({ role, not_after }) => [role, new Date(not_after)]));
}
