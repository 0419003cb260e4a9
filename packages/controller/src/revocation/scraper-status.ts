import { certificatesDigest } from '@torchpass/pki';
import type { ScraperExporter, ScraperStatus } from '../api/types.ts';
import type { Authorities } from '../issuance/authorities.ts';
import { SERVING_STATES } from '../store/host-states.ts';
import type { Store } from '../store/store.ts';

/** How far the last `scraper revoke` has come: every exporter of a host, also a quarantined one, those that are not done first. */
export async function scraperStatus(store: Store, authorities: Authorities): Promise<ScraperStatus> {
  const { restartGeneration: generation } = authorities;
  const revocation = await store
    .selectFrom('scraper_revocations')
    .select(['revoked_at', 'reason'])
    .where('generation', '=', generation)
    .executeTakeFirst();
  const trusted = certificatesDigest([...authorities.trusted('scraper')]).toString('hex');
  const rows = await exporterRows(store).execute();
  const exporters = rows.map((row): ScraperExporter => {
    const state = stateOf(row, generation, trusted);
    const { host, exporter, target, last_seen_at: lastSeenAt } = row;
    return { host, exporter, target, lastSeenAt, state, problem: state === 'done' ? null : row.refusal_problem };
  });
  const waiting = exporters.filter(({ state }) => state !== 'done');
  return {
    generation,
    revokedAt: revocation?.revoked_at ?? null,
    reason: revocation?.reason ?? null,
    prometheusProblem: null,
    waiting: waiting.length,
    exporters: [...waiting, ...exporters.filter(({ state }) => state === 'done')],
  };
}

/** How many exporters are not done. */
export async function countWaiting(store: Store, { restartGeneration }: Authorities): Promise<number> {
  const { count } = await store
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('hosts.state', 'in', SERVING_STATES)
    .where('exporters.target', 'is not', null)
    .where('exporters.refused_for', '<', restartGeneration)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** An exporter that policy refuses is not known to be reachable by anybody, and nothing of it can be proved. */
function exporterRows(store: Store) {
  return store
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .select(['hosts.name as host', 'hosts.last_seen_at', 'exporters.name as exporter', 'exporters.target'])
    .select([
      'exporters.scrapers_digest',
      'exporters.started_for',
      'exporters.refused_for',
      'exporters.refusal_problem',
    ])
    .where('hosts.state', 'in', SERVING_STATES)
    .where('exporters.target', 'is not', null)
    .orderBy('hosts.name')
    .orderBy('exporters.name');
}

type Row = Awaited<ReturnType<ReturnType<typeof exporterRows>['execute']>>[number];

function stateOf(row: Row, generation: number, trusted: string): ScraperExporter['state'] {
  if (row.refused_for >= generation) return 'done';
  if (row.started_for >= generation) return 'unproven';
  return row.scrapers_digest === trusted ? 'not restarted' : 'old trust';
}
