import type { Target } from '@torchpass/prometheus';
import { mapFrom } from '../store/json.ts';
import { LIVE_STATES } from '../store/host-states.ts';
import type { Queries } from '../store/store.ts';

const DEFAULT_METRICS_PATH = '/metrics';

/** Every target that should be in Prometheus's files, by job; a job without targets is not in the map. */
export async function publishedTargets(queries: Queries): Promise<Map<string, Target[]>> {
  const rows = await queries
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .select(['exporters.job', 'exporters.published_target', 'exporters.metrics_path', 'hosts.name', 'hosts.labels'])
    .where('exporters.published_target', 'is not', null)
    .where('hosts.state', 'in', LIVE_STATES)
    .execute();
  const jobs = new Map<string, Target[]>();
  for (const row of rows) {
    if (row.published_target === null) continue;
    const path: Record<string, string> =
      row.metrics_path === DEFAULT_METRICS_PATH ? {} : { __metrics_path__: row.metrics_path };
    const labels = { ...path, ...mapFrom(row.labels), host: row.name, job: row.job };
    const targets = jobs.get(row.job) ?? [];
    targets.push({ address: row.published_target, labels });
    jobs.set(row.job, targets);
  }
  return jobs;
}

/** Targets of a job that were taken off on purpose. */
export async function withdrawnTargets(queries: Queries, job: string): Promise<Set<string>> {
  const rows = await queries.selectFrom('withdrawn_targets').select('target').where('job', '=', job).execute();
  return new Set(rows.map(({ target }) => target));
}
