import { TorchpassError } from '@torchpass/core';
import type { Selectable } from 'kysely';
import type { HostView, TargetView } from '../http/api/types.ts';
import { newestOfLine } from '../issuance/ledger.ts';
import { mapFrom } from '../store/json.ts';
import type { HostTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { exporterLine, exportersOf, type ExporterRow } from './exporters.ts';

export type Views = ReturnType<typeof createViews>;

/** Hosts and targets as the operator sees them. */
export function createViews(store: Store) {
  return {
    async hosts(): Promise<HostView[]> {
      const rows = await store.selectFrom('hosts').selectAll().orderBy('name').orderBy('enrolled_at').execute();
      return Promise.all(rows.map(hostView));
    },

    /** The active host of this name, else the last one that had it. */
    async host(name: string): Promise<HostView> {
      const rows = await store
        .selectFrom('hosts')
        .selectAll()
        .where('name', '=', name)
        .orderBy('enrolled_at', 'desc')
        .execute();
      const row = rows.find(({ state }) => state === 'active') ?? rows[0];
      if (row !== undefined) return hostView(row);
      throw new TorchpassError('NOT_FOUND', `There is no host ${JSON.stringify(name.slice(0, 80))}.`, {
        hint: 'See "torchpass host list".',
      });
    },

    /** The targets of active hosts. */
    async targets(): Promise<TargetView[]> {
      const hosts = await store.selectFrom('hosts').selectAll().where('state', '=', 'active').orderBy('name').execute();
      return (await Promise.all(hosts.map(targetsOf))).flat();
    },
  };

  async function hostView(host: Selectable<HostTable>): Promise<HostView> {
    const identity = await newestOfLine(store, { role: 'agent', hostId: host.id, subjectName: '' });
    return {
      name: host.name,
      state: host.state,
      address: host.address,
      agentVersion: host.agent_version,
      enrolledAt: host.enrolled_at,
      lastSeenAt: host.last_seen_at,
      identity: identity === undefined ? null : { serial: identity.serial, notAfter: identity.not_after },
      exporters: await targetsOf(host),
    };
  }

  async function targetsOf(host: Selectable<HostTable>): Promise<TargetView[]> {
    const rows = await exportersOf(store, host.id);
    return Promise.all(rows.map((row) => targetView(host, row)));
  }

  async function targetView(host: Selectable<HostTable>, row: ExporterRow): Promise<TargetView> {
    const newest = await newestOfLine(store, exporterLine(host.id, row.name));
    return {
      host: host.name,
      exporter: row.name,
      job: row.job,
      target: row.published_target ?? row.target,
      labels: mapFrom(host.labels),
      state: stateOf(host, row),
      serial: newest?.serial ?? null,
      notAfter: newest?.not_after ?? null,
      checkedAt: row.checked_at,
      problem: row.problem,
    };
  }
}

function stateOf(host: Selectable<HostTable>, row: ExporterRow): TargetView['state'] {
  if (host.state !== 'active') return 'withdrawn';
  if (row.published_target !== null) return 'published';
  return row.target === null ? 'refused' : 'pending';
}
