import { reasonOf, TorchpassError, type Logger, type Turns } from '@torchpass/core';
import type { ScraperStatus } from '../api/types.ts';
import type { Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import { createPreparation, type PreparationTools } from '../rotation/preparation.ts';
import { AUTHORITIES } from '../rotation/rotation.ts';
import { readSituation } from '../rotation/situation.ts';
import { changeAuthority } from '../issuance/authority-rows.ts';
import type { AuthenticRows } from '../store/authentic-rows.ts';
import type { Queries } from '../store/store.ts';
import type { Knocks } from './knock.ts';
import { scraperStatus } from './scraper-status.ts';

interface Tools extends PreparationTools {
  audit: Audit;
  knocks: Knocks;
  /** Writes what Prometheus reads. */
  settle: () => Promise<unknown>;
  /** Those of rotations. */
  turns: Turns;
  logger: Logger;
}

/** Gives up a scraper's key: see docs/adr/0020. */
export function createScraperRevocation(tools: Tools) {
  const { store, authorities, audit, clock, knocks, settle, turns, logger } = tools;
  const preparation = createPreparation(tools);

  return {
    status: () => scraperStatus(store, authorities),

    /** `AUTHORITY_MISSING` and what else the root's key says when it is not at hand: then nothing was given up. */
    revoke: (reason: string, by: Actor): Promise<ScraperStatus> =>
      turns.take(AUTHORITIES, async () => {
        const id = await successor(by);
        // Never below the seconds since 1970: after a restored backup, agents must not know the next one already.
        const seconds = Math.floor(clock.now().getTime() / 1000);
        const generation = Math.max(authorities.restartGeneration + 1, seconds);
        const knock = await knocks.make(generation);
        const references = await store.transaction().execute(async (transaction) => {
          const given = await giveUp(transaction, id, { authentic: authorities.authentic, now: clock.now() });
          const revocation = { generation, revoked_at: clock.now().toISOString(), reason, ...knock };
          await transaction
            .insertInto('scraper_revocations')
            .values({ ...revocation, authority_id: given.activeId })
            .execute();
          await transaction.updateTable('installation').set({ restart_generation: generation }).execute();
          const details = { generation, given_up: given.ids, authority: id, reason };
          await audit.record(transaction, { event: 'scraper.revoked', by, subject: given.activeId, details });
          return given.references;
        });
        for (const reference of references) await authorities.keys.destroy(reference);
        await authorities.reload();
        logger.warn('the scraper key was given up', { generation, reason });
        // Hosts are given the new trust from here on. What cannot be written now is tried again by upkeep.
        const prometheusProblem = await settle().then(
          () => null,
          (error: unknown) => {
            logger.error('Prometheus does not have its new key yet', { error });
            return `Its folder could not be written: ${reasonOf(error)}`;
          },
        );
        return { ...(await scraperStatus(store, authorities)), prometheusProblem };
      }),
  };

  /** Id of an authority that can take over: one that a rotation has prepared, or a new one. */
  async function successor(by: Actor): Promise<string> {
    const { prepared, draft } = await readSituation(store, 'scraper', authorities.authentic);
    if (prepared !== undefined) return prepared.id;
    const fresh = draft ?? (await reserved(by));
    await preparation.sign(fresh, by);
    return fresh.id;
  }

  async function reserved(by: Actor) {
    const draft = await preparation.draft('scraper');
    await store.transaction().execute((transaction) => preparation.reserve(transaction, draft, by));
    return draft;
  }
}

/** Makes `id` the only scraper authority. What the others issued is revoked, their keys' references are gone from the database. */
async function giveUp(transaction: Queries, id: string, { authentic, now }: { authentic: AuthenticRows; now: Date }) {
  const at = now.toISOString();
  const rows = await transaction
    .selectFrom('authorities')
    .select(['id', 'state', 'key_reference'])
    .where('role', '=', 'scraper')
    .where('state', '!=', 'gone')
    .where('id', '!=', id)
    .execute();
  const ids = rows.map((row) => row.id);
  // Another process may have buried it meanwhile: an installation without an authority would not start any more.
  const next = await transaction
    .selectFrom('authorities')
    .select('id')
    .where('id', '=', id)
    .where('role', '=', 'scraper')
    .where('state', '=', 'prepared')
    .where('key_reference', '<>', '')
    .executeTakeFirst();
  if (next === undefined) {
    throw new TorchpassError(
      'AUTHORITY_MISSING',
      'The authority that was to take over is gone; nothing was given up.',
      {
        hint: 'Revoke again: a new one is made.',
      },
    );
  }
  const gone = { state: 'gone' as const, key_reference: '', retired_at: at, dropped_at: at, gone_at: at };
  for (const one of ids) await changeAuthority(transaction, authentic, one, gone);
  await changeAuthority(transaction, authentic, id, { state: 'active', activated_at: at });
  await transaction.deleteFrom('rotations').where('role', '=', 'scraper').execute();
  await transaction
    .updateTable('certificates')
    .set({ revoked_at: at, revocation_reason: 'keyCompromise' })
    .where('authority_id', 'in', ids)
    .where('revoked_at', 'is', null)
    .where('not_after', '>', at)
    .execute();
  const active = rows.find(({ state }) => state === 'active');
  return { ids, activeId: active?.id ?? ids[0] ?? id, references: rows.map((row) => row.key_reference) };
}
