import { TorchpassError } from '@torchpass/core';
import { fingerprintText } from '@torchpass/pki';
import type { HostView, TargetView } from '../api/types.ts';
import { mapFrom } from '../store/json.ts';
import type { Store } from '../store/store.ts';
import { isLive, LIVE_STATES } from '../store/host-states.ts';
import { exporterRows, hostRows, type ExporterViewRow, type HostViewRow } from './view-rows.ts';

export type Views = ReturnType<typeof createViews>;

/** Hosts and targets as the operator sees them: two queries at most, however many there are. */
export function createViews(store: Store) {
  return {
    async hosts(): Promise<HostView[]> {
      const rows = await hostRows(store).orderBy('hosts.name').orderBy('hosts.enrolled_at').execute();
      const exporters = Map.groupBy(await exporterRows(store).execute(), ({ host_id: id }) => id);
      return rows.map((row) => hostView(row, exporters.get(row.id) ?? []));
    },

    /** The live host of this name, else the last one that had it. */
    async host(name: string): Promise<HostView> {
      const rows = await hostRows(store).where('hosts.name', '=', name).orderBy('hosts.enrolled_at', 'desc').execute();
      const row = rows.find(({ state }) => isLive(state)) ?? rows[0];
      if (row !== undefined) return hostView(row, await exporterRows(store).where('hosts.id', '=', row.id).execute());
      throw noHost(name);
    },

    /** The targets of one live host. */
    async targetsOf(name: string): Promise<TargetView[]> {
      const host = await store
        .selectFrom('hosts')
        .select('id')
        .where('name', '=', name)
        .where('state', 'in', LIVE_STATES)
        .executeTakeFirst();
      if (host === undefined) throw noHost(name);
      return (await exporterRows(store).where('hosts.id', '=', host.id).execute()).map(targetView);
    },

    /** The targets of live hosts. */
    async targets(): Promise<TargetView[]> {
      const rows = await exporterRows(store).where('hosts.state', 'in', LIVE_STATES).execute();
      return rows.map(targetView);
    },
  };
}

function noHost(name: string): TorchpassError {
  return new TorchpassError('NOT_FOUND', `There is no host ${JSON.stringify(name.slice(0, 80))}.`, {
    hint: 'See "torchpass host list".',
  });
}

function hostView(row: HostViewRow, exporters: readonly ExporterViewRow[]): HostView {
  const { identity_serial: serial, identity_not_after: notAfter, quarantined_at: at, quarantine_reason: reason } = row;
  return {
    name: row.name,
    state: row.state,
    fingerprint: row.key_fingerprint === null ? null : fingerprintText(row.key_fingerprint),
    address: row.address,
    agentVersion: row.agent_version,
    enrolledAt: row.enrolled_at,
    lastSeenAt: row.last_seen_at,
    quarantine: row.state !== 'quarantined' || at === null || reason === null ? null : { at, reason },
    identity: serial === null || notAfter === null ? null : { serial, notAfter },
    exporters: exporters.map(targetView),
  };
}

function targetView(row: ExporterViewRow): TargetView {
  return {
    host: row.host_name,
    exporter: row.name,
    job: row.job,
    target: row.published_target ?? row.target,
    metricsPath: row.metrics_path,
    labels: mapFrom(row.labels),
    state: stateOf(row),
    serial: row.newest_serial,
    notAfter: row.newest_not_after,
    checkedAt: row.checked_at,
    problem: row.problem ?? row.reported_problem,
  };
}

function stateOf(row: ExporterViewRow): TargetView['state'] {
  if (!isLive(row.host_state)) return 'withdrawn';
  if (row.published_target !== null) return 'published';
  return row.target === null ? 'refused' : 'pending';
}
