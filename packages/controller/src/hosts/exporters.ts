import { canonicalIp, parseHostPort } from '@torchpass/core';
import type { Selectable } from 'kysely';
import { newestOfLine } from '../issuance/ledger.ts';
import { toJson } from '../store/json.ts';
import type { ExporterTable, HostTable } from '../store/schema.ts';
import type { Queries, Store } from '../store/store.ts';
import { unpublishTarget, withdrawTarget } from '../targets/withdraw.ts';
import type { DesiredExporter } from './desired-exporter.ts';

export type ExporterRow = Selectable<ExporterTable>;

export function exportersOf(queries: Queries, hostId: string): Promise<ExporterRow[]> {
  return queries.selectFrom('exporters').selectAll().where('host_id', '=', hostId).orderBy('name').execute();
}

export function findExporter(queries: Queries, hostId: string, name: string): Promise<ExporterRow | undefined> {
  return queries
    .selectFrom('exporters')
    .selectAll()
    .where('host_id', '=', hostId)
    .where('name', '=', name)
    .executeTakeFirst();
}

/** The certificate line of an exporter. */
export function exporterLine(hostId: string, name: string) {
  return { role: 'exporter' as const, hostId, subjectName: name };
}

/** Makes the exporters of a host what was decided, in the caller's transaction. Answers whether what is published changed. */
export async function reconcileExporters(
  transaction: Queries,
  host: HostTable,
  desired: readonly DesiredExporter[],
  now: Date,
): Promise<boolean> {
  let changed = false;
  const withdraw = async (row: ExporterRow, reason: string) => {
    changed ||= row.published_target !== null;
    await withdrawTarget(transaction, row, reason, now);
  };
  /**
   * An address that is refused now was allowed before by somebody here. A name that points elsewhere was turned by
   * whoever has its zone, and Prometheus would follow: it goes, also as the last target of its job.
   */
  const refuse = async (row: ExporterRow) => {
    if (row.published_target === null) return;
    if (canonicalIp(parseHostPort(row.published_target).host) === undefined)
      return withdraw(row, 'its name points where policy allows no target');
    changed = true;
    await unpublishTarget(transaction, row);
  };
  const rows = await exportersOf(transaction, host.id);
  for (const row of rows) {
    const wanted = desired.find(({ name }) => name === row.name);
    if (wanted === undefined) {
      await withdraw(row, 'no longer reported by its host');
      await transaction.deleteFrom('exporters').where('host_id', '=', host.id).where('name', '=', row.name).execute();
    } else if (wanted.target === null) {
      await refuse(row);
    } else if (wanted.job !== row.job) {
      await withdraw(row, 'moved to another job');
    } else if (wanted.metricsPath !== row.metrics_path) {
      // The address was seen and stays; the target's label changes now, and the new path is looked at.
      changed ||= row.published_target !== null;
    }
  }
  for (const exporter of desired) {
    await save(
      transaction,
      host.id,
      exporter,
      rows.find(({ name }) => name === exporter.name),
    );
  }
  return changed;
}

async function save(
  transaction: Queries,
  hostId: string,
  wanted: DesiredExporter,
  row: ExporterRow | undefined,
): Promise<void> {
  const reportedProblem = wanted.unresolved ?? wanted.reportedProblem;
  const columns = {
    job: wanted.job,
    port: wanted.port,
    metrics_path: wanted.metricsPath,
    dns_names: toJson(wanted.dnsNames),
    ip_addresses: toJson(wanted.ipAddresses),
    target: wanted.target,
    reported_problem: reportedProblem,
  };
  if (row === undefined) {
    const fresh = { published_target: null, seen_serial: null, checked_at: null, problem: wanted.problem };
    await transaction
      .insertInto('exporters')
      .values({ host_id: hostId, name: wanted.name, ...columns, ...fresh })
      .execute();
    return;
  }
  const wasRefused = row.target === null;
  const unchanged =
    row.target === wanted.target &&
    row.job === wanted.job &&
    row.metrics_path === wanted.metricsPath &&
    row.reported_problem === reportedProblem;
  if (unchanged && !wasRefused) return;
  const seen = row.metrics_path === wanted.metricsPath ? {} : { seen_serial: null };
  await transaction
    .updateTable('exporters')
    .set({ ...columns, ...seen, problem: wanted.problem ?? (wasRefused ? null : row.problem) })
    .where('host_id', '=', hostId)
    .where('name', '=', wanted.name)
    .execute();
}

/** Those that are refused now and were not, or for another reason: a check-in in which nothing changed says nothing new. */
export function newlyRefused(before: readonly ExporterRow[], desired: readonly DesiredExporter[]): DesiredExporter[] {
  return desired.filter(({ name, target, problem }) => {
    const row = before.find((one) => one.name === name);
    return target === null && (row === undefined || row.target !== null || row.problem !== problem);
  });
}

export interface SeenFromOutside {
  hostId: string;
  exporter: DesiredExporter;
  /** Serial number that was looked for. */
  serial: string;
  /** What was wrong; undefined when nothing was. */
  problem: string | undefined;
  now: Date;
}

/** Stores what the look from outside found. Answers whether the published target changed. */
export function recordLook(store: Store, seen: SeenFromOutside): Promise<boolean> {
  const { hostId, exporter, now } = seen;
  const checked_at = now.toISOString();
  return store.transaction().execute(async (transaction) => {
    const host = await transaction.selectFrom('hosts').select('state').where('id', '=', hostId).executeTakeFirst();
    const row = await findExporter(transaction, hostId, exporter.name);
    const newest = await newestOfLine(transaction, exporterLine(hostId, exporter.name));
    const isCurrent = newest?.serial === seen.serial && newest.revoked_at === null;
    // Revoked, renewed, or decided otherwise, while we looked: what was seen says nothing any more.
    if (host?.state !== 'active' || !isCurrent) return false;
    if (row === undefined || exporter.target === null || row.target !== exporter.target) return false;
    const update = transaction.updateTable('exporters').where('host_id', '=', hostId).where('name', '=', exporter.name);
    if (seen.problem !== undefined) {
      await update.set({ checked_at, problem: seen.problem }).execute();
      return false;
    }
    const moved = row.published_target !== exporter.target;
    if (moved) await withdrawTarget(transaction, row, 'moved to another address', now);
    await withdrawFromOthers(transaction, hostId, exporter.target, now);
    await transaction
      .deleteFrom('withdrawn_targets')
      .where('job', '=', exporter.job)
      .where('target', '=', exporter.target)
      .execute();
    await update
      .set({ checked_at, problem: null, seen_serial: seen.serial, published_target: exporter.target })
      .execute();
    return moved;
  });
}

/**
 * A host that went away from this address may still be published here until it is seen at its new one. From now on that
 * would put this host's metrics under the other's name.
 */
async function withdrawFromOthers(transaction: Queries, hostId: string, target: string, now: Date): Promise<void> {
  const others = await transaction
    .selectFrom('exporters')
    .selectAll()
    .where('published_target', '=', target)
    .where('host_id', '!=', hostId)
    .execute();
  for (const other of others) await withdrawTarget(transaction, other, 'its address belongs to another host now', now);
}
