import type { Clock } from '@torchpass/core';
import type { Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import { endMembership } from '../hosts/end.ts';
import { LIVE_STATES } from '../store/host-states.ts';
import type { Queries, Store } from '../store/store.ts';
import type { Manifest } from './archive.ts';

export interface Epoch {
  manifest: Manifest;
  /** Names of hosts that were revoked after the backup was made. */
  revoke: readonly string[];
  /** How long an identity can live: so long can one from before the restore come. */
  identityLifetimeMs: number;
  /** What is wrong with the audit log of the backup, as a sentence. */
  auditFault: string | undefined;
  by: Actor;
}

export interface Opened {
  epoch: number;
  /** Join tokens that could have been used and cannot any more. */
  endedTokens: { id: string; note: string; host_name: string | null }[];
  revoked: string[];
  /** Names to revoke that the backup does not know. */
  unknown: string[];
}

const REASON = 'revoked after the backup that was restored';

/** Makes a database from a backup one that may serve: all of it in one transaction. See docs/adr/0023. */
export function openEpoch(
  { store, audit, clock }: { store: Store; audit: Audit; clock: Clock },
  { manifest, revoke, identityLifetimeMs, auditFault, by }: Epoch,
): Promise<Opened> {
  return store.transaction().execute(async (transaction) => {
    const now = clock.now();
    const adoptUntil = new Date(now.getTime() + identityLifetimeMs);
    const { epoch } = await transaction
      .insertInto('restores')
      .values(({ selectFrom }) => ({
        epoch: selectFrom('restores').select(({ fn, eb }) => eb(fn.count<number>('epoch'), '+', 1).as('next')),
        backup_at: manifest.made_at,
        restored_at: now.toISOString(),
        adopt_until: adoptUntil.toISOString(),
      }))
      .returning('epoch')
      .executeTakeFirstOrThrow();
    const endedTokens = await endTokens(transaction, now);
    const details = {
      epoch,
      backup_at: manifest.made_at,
      audit_head: manifest.audit_head,
      audit_fault: auditFault ?? null,
      ended_tokens: endedTokens.map(({ id }) => id).slice(0, MOST_LISTED),
      ended: endedTokens.length,
    };
    await audit.record(transaction, { event: 'installation.restored', by, subject: manifest.trust_domain, details });
    const revoked: string[] = [];
    for (const name of new Set(revoke)) {
      const host = await liveHost(transaction, name);
      if (host === undefined) continue;
      await endMembership(transaction, { host, state: 'revoked', reason: REASON, by, now }, audit);
      revoked.push(name);
    }
    return { epoch, endedTokens, revoked, unknown: [...new Set(revoke)].filter((name) => !revoked.includes(name)) };
  });
}

const MOST_LISTED = 200;

/** What could still be used may have been used up or revoked since, and nobody can know. */
function endTokens(transaction: Queries, now: Date): Promise<Opened['endedTokens']> {
  return transaction
    .updateTable('join_tokens')
    .set({ revoked_at: now.toISOString() })
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now.toISOString())
    .whereRef('uses', '<', 'max_uses')
    .returning(['id', 'note', 'host_name'])
    .execute();
}

function liveHost(transaction: Queries, name: string) {
  return transaction
    .selectFrom('hosts')
    .select(['id', 'name'])
    .where('name', '=', name)
    .where('state', 'in', LIVE_STATES)
    .executeTakeFirst();
}
