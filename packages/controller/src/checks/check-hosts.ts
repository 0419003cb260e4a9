import { LIVE_STATES } from '../store/host-states.ts';
import type { Store } from '../store/store.ts';
import { error, warning, type Finding } from './finding.ts';

/** Rows that point to nothing, and what hosts have although they ended. */
export async function checkHosts(store: Store, now: Date): Promise<Finding[]> {
  return [...(await lostRows(store)), ...(await endedHosts(store, now))];
}

async function lostRows(store: Store): Promise<Finding[]> {
  const exporters = await store
    .selectFrom('exporters')
    .leftJoin('hosts', 'hosts.id', 'exporters.host_id')
    .select(['exporters.host_id', 'exporters.name'])
    .where('hosts.id', 'is', null)
    .execute();
  const certificates = await store
    .selectFrom('certificates')
    .leftJoin('hosts', 'hosts.id', 'certificates.host_id')
    .select(['certificates.serial', 'certificates.host_id'])
    .where('certificates.host_id', 'is not', null)
    .where('hosts.id', 'is', null)
    .execute();
  const hosts = await store
    .selectFrom('hosts')
    .leftJoin('join_tokens', 'join_tokens.id', 'hosts.token_id')
    .select(['hosts.name', 'hosts.token_id'])
    .where('join_tokens.id', 'is', null)
    .execute();
  return [
    ...exporters.map(({ host_id, name }) => error(`exporter ${name}`, `Its host ${host_id} is not in the database.`)),
    ...certificates.map(({ serial, host_id }) =>
      error(`certificate ${serial}`, `Its host ${host_id} is not in the database.`),
    ),
    ...hosts.map(({ name, token_id }) => error(`host ${name}`, `Its join token ${token_id} is not in the database.`)),
  ];
}

async function endedHosts(store: Store, now: Date): Promise<Finding[]> {
  const certificates = await store
    .selectFrom('certificates')
    .innerJoin('hosts', 'hosts.id', 'certificates.host_id')
    .select(['certificates.serial', 'hosts.name', 'hosts.state'])
    .where('hosts.ended_at', 'is not', null)
    .where('certificates.revoked_at', 'is', null)
    .where('certificates.not_after', '>', now.toISOString())
    .execute();
  const published = await store
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .select(['exporters.name as exporter', 'hosts.name', 'hosts.state'])
    .where('hosts.state', 'not in', LIVE_STATES)
    .where('exporters.published_target', 'is not', null)
    .execute();
  const states = await store
    .selectFrom('hosts')
    .select(['name', 'state', 'ended_at'])
    .where((where) =>
      where.or([
        where.and([where('ended_at', 'is', null), where('state', 'in', ['revoked', 'left', 'rejected', 'expired'])]),
        where.and([where('ended_at', 'is not', null), where('state', 'in', LIVE_STATES)]),
      ]),
    )
    .execute();
  return [
    ...certificates.map(({ serial, name, state }) =>
      error(`certificate ${serial}`, `Its host ${name} has ended (${state}), and it is not revoked.`),
    ),
    ...published.map(({ exporter, name, state }) =>
      warning(`exporter ${name}/${exporter}`, `Its host has ended (${state}), and its target is noted as published.`),
    ),
    ...states.map(({ name, state, ended_at }) =>
      error(
        `host ${name}`,
        `Its state is ${state}, and ${ended_at === null ? 'nothing says when it ended' : `it ended on ${ended_at}`}.`,
      ),
    ),
  ];
}
