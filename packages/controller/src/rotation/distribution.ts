import type { Clock, Files } from '@torchpass/core';
import { certificatesFromPem } from '@torchpass/pki';
import { changeAuthority } from '../issuance/authority-rows.ts';
import type { AuthenticRows } from '../store/authentic-rows.ts';
import type { Store } from '../store/store.ts';
import type { AuthorityRow, Situation } from './situation.ts';

interface Tools {
  store: Store;
  authentic: AuthenticRows;
  files: Files;
  clock: Clock;
  /** Files of Prometheus's folder. */
  paths: { exportersCa: string; scraper: string };
}

/** A time to come was noted by a wrong clock: as good as none. */
export function distributedAt(row: Pick<AuthorityRow, 'distributed_at'> | undefined, now: Date): Date | undefined {
  const noted = row?.distributed_at ?? null;
  if (noted === null) return undefined;
  const at = new Date(noted);
  return at <= now ? at : undefined;
}

/**
 * Notes when Prometheus's folder was first seen to hold what a rotation needs there: the new exporter authority, or a
 * scraper certificate of the new scraper authority. The file is read, not believed to have been written. Answers whether
 * something was noted.
 */
export function createDistribution({ store, authentic, files, clock, paths }: Tools) {
  return async (situation: Situation): Promise<boolean> => {
    const awaited = awaitedIn(situation);
    if (awaited === undefined || distributedAt(awaited.row, clock.now()) !== undefined) return false;
    const held = await certificatesIn(awaited.path);
    if (!held.some((certificate) => certificate.equals(awaited.row.certificate))) return false;
    const { id, state } = awaited.row;
    const at = clock.now().toISOString();
    return store.transaction().execute(async (transaction) => {
      const now = await transaction.selectFrom('authorities').select('state').where('id', '=', id).executeTakeFirst();
      if (now?.state !== state) return false;
      await changeAuthority(transaction, authentic, id, { distributed_at: at });
      return true;
    });
  };

  function awaitedIn({ role, active, prepared, retiring }: Situation): { row: AuthorityRow; path: string } | undefined {
    if (role === 'exporter' && prepared !== undefined) return { row: prepared, path: paths.exportersCa };
    if (role === 'scraper' && retiring !== undefined) return { row: active, path: paths.scraper };
    return undefined;
  }

  async function certificatesIn(path: string): Promise<Buffer[]> {
    try {
      return certificatesFromPem((await files.read(path)) ?? '');
    } catch {
      // Damaged: upkeep writes it anew.
      return [];
    }
  }
}
