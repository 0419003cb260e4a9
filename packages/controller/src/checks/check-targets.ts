import { LIVE_STATES } from '../store/host-states.ts';
import { listFrom } from '../store/json.ts';
import type { Store } from '../store/store.ts';
import { error, warning, type Finding } from './finding.ts';

/** Why an address or name may not be a target today; undefined when it may. */
export type Judge = (name: string) => Promise<string | undefined>;

/** What Prometheus is pointed at: each target has a certificate that is good, and one that policy would allow today. */
export async function checkTargets(store: Store, judge: Judge, now: Date): Promise<Finding[]> {
  const rows = await store
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .leftJoin('certificates', 'certificates.serial', 'exporters.seen_serial')
    .select([
      'exporters.name as exporter',
      'exporters.published_target',
      'exporters.seen_serial',
      'exporters.dns_names',
      'exporters.ip_addresses',
      'hosts.id as host_id',
      'hosts.name as host',
      'certificates.serial',
      'certificates.host_id as owner',
      'certificates.subject_name',
      'certificates.revoked_at',
      'certificates.not_after',
    ])
    .where('exporters.published_target', 'is not', null)
    .where('hosts.state', 'in', LIVE_STATES)
    .orderBy('hosts.name')
    .execute();
  const known = new Map<string, string>();
  const found: Finding[] = [];
  for (const row of rows) {
    const subject = `exporter ${row.host}/${row.exporter}`;
    const target = row.published_target ?? '';
    const other = known.get(target);
    if (other !== undefined) found.push(error(subject, `Its target ${target} is also that of ${other}.`));
    known.set(target, subject);
    if (row.serial === null) {
      found.push(error(subject, `Its target ${target} is published, and was never seen with a certificate of ours.`));
    } else if (row.owner !== row.host_id || row.subject_name !== row.exporter) {
      found.push(
        error(subject, `Its target ${target} was seen with the certificate ${row.serial} of another exporter.`),
      );
    } else if (row.revoked_at !== null) {
      found.push(error(subject, `Its target ${target} was last seen with a revoked certificate.`));
    } else if (row.not_after !== null && new Date(row.not_after) <= now) {
      found.push(
        warning(subject, `Its target ${target} was last seen with a certificate that ended on ${row.not_after}.`),
      );
    }
    for (const name of [...listFrom(row.dns_names), ...listFrom(row.ip_addresses)]) {
      const refused = await judge(name);
      if (refused !== undefined) found.push(warning(subject, `Policy would refuse it today: ${refused}`));
    }
  }
  return found;
}
