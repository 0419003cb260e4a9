import type { ExporterTable } from '../store/schema.ts';
import type { Queries } from '../store/store.ts';

/**
 * Takes a target off, in the caller's transaction, and notes that this was meant. The publisher lets a file become
 * empty only when every target that it loses has such a note.
 */
export async function withdrawTarget(
  transaction: Queries,
  exporter: Pick<ExporterTable, 'host_id' | 'name' | 'job' | 'published_target'>,
  reason: string,
  now: Date,
): Promise<void> {
  if (exporter.published_target === null) return;
  const note = { reason, withdrawn_at: now.toISOString() };
  await transaction
    .insertInto('withdrawn_targets')
    .values({ job: exporter.job, target: exporter.published_target, ...note })
    .onConflict((conflict) => conflict.columns(['job', 'target']).doUpdateSet(note))
    .execute();
  await unpublishTarget(transaction, exporter);
}

/**
 * Takes a target off without such a note: policy refuses its address, which nobody at this installation may have meant. When it is the
 * last of its job, the file waits for an operator's word.
 */
export async function unpublishTarget(
  transaction: Queries,
  exporter: Pick<ExporterTable, 'host_id' | 'name'>,
): Promise<void> {
  await transaction
    .updateTable('exporters')
    .set({ published_target: null, seen_serial: null })
    .where('host_id', '=', exporter.host_id)
    .where('name', '=', exporter.name)
    .execute();
}

/** Takes all targets of a host off. */
export async function withdrawHost(transaction: Queries, hostId: string, reason: string, now: Date): Promise<void> {
  const rows = await transaction.selectFrom('exporters').selectAll().where('host_id', '=', hostId).execute();
  for (const row of rows) await withdrawTarget(transaction, row, reason, now);
}
