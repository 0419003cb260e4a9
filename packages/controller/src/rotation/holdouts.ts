import { sql } from 'kysely';
import { SERVING_STATES } from '../store/host-states.ts';
import type { Queries } from '../store/store.ts';

/** A host that is not where a rotation needs it. */
export interface Holdout {
  id: string;
  name: string;
  lastSeenAt: string;
  /** The exporter that it is about; null for the host itself. */
  exporter: string | null;
}

/** Hosts, also quarantined ones, that do not trust exactly the roots of this digest. */
export async function withoutRoots(queries: Queries, digest: string): Promise<Holdout[]> {
  const rows = await queries
    .selectFrom('hosts')
    .select(['id', 'name', 'last_seen_at'])
    .where('state', 'in', SERVING_STATES)
    .where('roots_digest', 'is not', digest)
    .orderBy('name')
    .execute();
  return rows.map(({ id, name, last_seen_at }) => ({ id, name, lastSeenAt: last_seen_at, exporter: null }));
}

/** Hosts, also quarantined ones, that do not call with an identity of this authority. */
export async function withoutIdentityOf(queries: Queries, authorityId: string): Promise<Holdout[]> {
  const rows = await queries
    .selectFrom('hosts')
    .leftJoin('certificates', 'certificates.serial', 'hosts.identity_serial')
    .select(['hosts.id', 'hosts.name', 'hosts.last_seen_at'])
    .where('hosts.state', 'in', SERVING_STATES)
    .where('certificates.authority_id', 'is not', authorityId)
    .orderBy('hosts.name')
    .execute();
  return rows.map(({ id, name, last_seen_at }) => ({ id, name, lastSeenAt: last_seen_at, exporter: null }));
}

/** Exporters that are scraped, or were proved to admit somebody, and do not admit exactly the scraper authorities of this digest. */
export async function notAdmitting(queries: Queries, digest: string): Promise<Holdout[]> {
  const rows = await exporters(queries)
    .where((where) => where.or([where('published_target', 'is not', null), where('scrapers_digest', 'is not', null)]))
    .where('exporters.target', 'is not', null)
    .where('scrapers_digest', 'is not', digest)
    .execute();
  return rows.map(holdoutOf);
}

/** Published exporters that were not seen from outside, and found in order, since then. A look in time to come was none. */
export async function notSeenSince(queries: Queries, { since, now }: { since: Date; now: Date }): Promise<Holdout[]> {
  const rows = await exporters(queries)
    .where('published_target', 'is not', null)
    .where((where) =>
      where.or([
        where('checked_at', 'is', null),
        where('checked_at', '<', since.toISOString()),
        where('checked_at', '>', now.toISOString()),
        where('exporters.problem', 'is not', null),
      ]),
    )
    .execute();
  return rows.map(holdoutOf);
}

/** Published exporters whose certificate, as last seen from outside, is not of this authority. */
export async function notServing(queries: Queries, authorityId: string): Promise<Holdout[]> {
  const rows = await exporters(queries)
    .leftJoin('certificates', 'certificates.serial', 'exporters.seen_serial')
    .where('published_target', 'is not', null)
    .where('certificates.authority_id', 'is not', authorityId)
    .execute();
  return rows.map(holdoutOf);
}

export interface TokenHoldout {
  id: string;
  expiresAt: string;
}

/** Join tokens with which somebody may still come, and that do not pin this root. */
export async function notPinning(queries: Queries, rootId: string, now: Date): Promise<TokenHoldout[]> {
  const rows = await queries
    .selectFrom('join_tokens')
    .select(['id', 'expires_at'])
    .where('revoked_at', 'is', null)
    .where((where) =>
      where.or([
        where.and([where('uses', '<', where.ref('max_uses')), where('expires_at', '>', now.toISOString())]),
        // Whoever waits for a person comes again with its token.
        where.exists(
          where
            .selectFrom('hosts')
            .select('hosts.id')
            .whereRef('hosts.token_id', '=', 'join_tokens.id')
            .where('hosts.state', '=', 'pending'),
        ),
      ]),
    )
    .where(sql<boolean>`not exists (select 1 from json_each(coalesce(root_ids, '[]')) where value = ${rootId})`)
    .orderBy('id')
    .execute();
  return rows.map(({ id, expires_at }) => ({ id, expiresAt: expires_at }));
}

function exporters(queries: Queries) {
  return queries
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .select(['hosts.id', 'hosts.name', 'hosts.last_seen_at', 'exporters.name as exporter'])
    .where('hosts.state', 'in', SERVING_STATES)
    .orderBy('hosts.name')
    .orderBy('exporters.name');
}

function holdoutOf(row: { id: string; name: string; last_seen_at: string; exporter: string }): Holdout {
  return { id: row.id, name: row.name, lastSeenAt: row.last_seen_at, exporter: row.exporter };
}
