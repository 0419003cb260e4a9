import type { Queries } from '../store/store.ts';

export type HostViewRow = Awaited<ReturnType<ReturnType<typeof hostRows>['execute']>>[number];
export type ExporterViewRow = Awaited<ReturnType<ReturnType<typeof exporterRows>['execute']>>[number];

/** Every host with its newest identity. The caller narrows and sorts. */
export function hostRows(queries: Queries) {
  return queries
    .selectFrom('hosts')
    .leftJoin('certificates as identity', (join) =>
      join.on(({ eb, selectFrom }) =>
        eb(
          'identity.serial',
          '=',
          // As `newestOfLine`, which looks at one line: the same index answers it once for each host.
          selectFrom('certificates as line')
            .select('line.serial')
            .whereRef('line.host_id', '=', 'hosts.id')
            .where('line.role', '=', 'agent')
            .where('line.subject_name', '=', '')
            .where('line.issued_at', 'is not', null)
            .orderBy('line.issued_at', 'desc')
            .limit(1),
        ),
      ),
    )
    .selectAll('hosts')
    .select(['identity.serial as identity_serial', 'identity.not_after as identity_not_after'])
    .select(({ fn, selectFrom }) =>
      fn
        .coalesce(
          'identity.key_fingerprint',
          // Nothing is issued yet: the key that it asked with.
          selectFrom('token_uses').select('key_fingerprint').whereRef('token_uses.host_id', '=', 'hosts.id').limit(1),
        )
        .as('key_fingerprint'),
    );
}

/** Every exporter with its host and its newest certificate, by host and name. The caller narrows. */
export function exporterRows(queries: Queries) {
  return queries
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .leftJoin('certificates as newest', (join) =>
      join.on(({ eb, selectFrom }) =>
        eb(
          'newest.serial',
          '=',
          selectFrom('certificates as line')
            .select('line.serial')
            .whereRef('line.host_id', '=', 'exporters.host_id')
            .where('line.role', '=', 'exporter')
            .whereRef('line.subject_name', '=', 'exporters.name')
            .where('line.issued_at', 'is not', null)
            .orderBy('line.issued_at', 'desc')
            .limit(1),
        ),
      ),
    )
    .selectAll('exporters')
    .select(['hosts.name as host_name', 'hosts.state as host_state', 'hosts.labels'])
    .select(['newest.serial as newest_serial', 'newest.not_after as newest_not_after'])
    .orderBy('hosts.name')
    .orderBy('exporters.name');
}
