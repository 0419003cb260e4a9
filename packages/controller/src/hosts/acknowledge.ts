import type { Queries } from '../store/store.ts';

/** Of SHA-256. */
const DIGEST_BYTES = 32;

/** A digest as it is stored, hexadecimal; null for anything that is none, like the empty one of an agent that knows nothing of it. */
export function digestFrom(bytes: Buffer): string | null {
  return bytes.length === DIGEST_BYTES ? bytes.toString('hex') : null;
}

/** Stores which scraper authorities an exporter was proved to admit. Writes only what differs. */
export async function acknowledge(
  transaction: Queries,
  hostId: string,
  exporter: string,
  digest: string | null,
  startedFor: number,
): Promise<void> {
  await transaction
    .updateTable('exporters')
    .set({ scrapers_digest: digest, started_for: startedFor })
    .where('host_id', '=', hostId)
    .where('name', '=', exporter)
    .where((where) => where.or([where('scrapers_digest', 'is not', digest), where('started_for', '!=', startedFor)]))
    .execute();
}
