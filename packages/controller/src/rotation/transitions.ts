import { TorchpassError } from '@torchpass/core';
import type { Updateable } from 'kysely';
import type { Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { AuditEvent } from '../audit/events.ts';
import { changeAuthority } from '../issuance/authority-rows.ts';
import type { AuthenticRows } from '../store/authentic-rows.ts';
import type { AuthorityTable } from '../store/schema.ts';
import type { Queries } from '../store/store.ts';
import { nextStep, readSituation, type AuthorityRow, type Situation } from './situation.ts';

/** Changes of state, each in the caller's transaction. They answer references of keys that are to be destroyed after it. */
export type Transition = (transaction: Queries, situation: Situation, turn: Turn) => Promise<string[]>;

export interface Turn {
  audit: Audit;
  authentic: AuthenticRows;
  by: Actor;
  now: Date;
}

/** The prepared one signs from now on, the active one retires. */
export const activate: Transition = async (transaction, { active, prepared }, turn) => {
  if (prepared !== undefined)
    await exchange(transaction, { from: active, to: prepared, event: 'authority.activated' }, turn);
  return [];
};

/** Hosts are told to trust it no more. */
export const drop: Transition = async (transaction, { retiring }, turn) => {
  if (retiring !== undefined)
    await move(transaction, retiring, { dropped_at: turn.now.toISOString() }, 'authority.dropped', turn);
  return [];
};

/** The end of an authority and of its rotation. */
export const finish: Transition = async (transaction, { role, retiring }, turn) => {
  await transaction.deleteFrom('rotations').where('role', '=', role).execute();
  return retiring === undefined ? [] : bury(transaction, retiring, turn);
};

/** Goes back to the former authority: at once while everybody trusts it, else by making it trusted again first. */
export const abort: Transition = async (transaction, situation, turn) => {
  const { role, active, draft, prepared, retiring } = situation;
  if (draft !== undefined) {
    await transaction.deleteFrom('authority_drafts').where('role', '=', role).execute();
    await transaction.deleteFrom('rotations').where('role', '=', role).execute();
    await turn.audit.record(transaction, {
      event: 'authority.gone',
      by: turn.by,
      subject: draft.id,
      details: { role },
    });
    return [draft.key_reference];
  }
  if (prepared !== undefined) {
    // One that was active before is trusted by hosts since then: it goes the long way.
    if (
      prepared.retired_at !== null &&
      nextStep({ ...situation, prepared: undefined, retiring: prepared }) === 'drop'
    ) {
      const back = { state: 'retiring' as const, dropped_at: turn.now.toISOString() };
      await move(transaction, prepared, back, 'authority.dropped', turn);
      return [];
    }
    await transaction.deleteFrom('rotations').where('role', '=', role).execute();
    return bury(transaction, prepared, turn);
  }
  if (retiring === undefined) throw new TorchpassError('NOT_FOUND', `The ${role} authority is not being rotated.`);
  if (retiring.dropped_at !== null) {
    const back = { state: 'prepared' as const, dropped_at: null, distributed_at: null };
    await move(transaction, retiring, back, 'authority.restored', turn);
    return [];
  }
  await exchange(transaction, { from: active, to: retiring, event: 'authority.restored' }, turn);
  return role === 'root' ? abortUnder(transaction, active, turn) : [];
};

/** With a root, what was on its way to be issued by it goes back too. */
async function abortUnder(transaction: Queries, root: AuthorityRow, turn: Turn): Promise<string[]> {
  const rotations = await transaction.selectFrom('rotations').select('role').where('role', '!=', 'root').execute();
  const references: string[] = [];
  for (const { role } of rotations) {
    const situation = await readSituation(transaction, role, turn.authentic);
    const newest = situation.draft ?? situation.prepared ?? situation.active;
    if (newest.issued_by === root.id) references.push(...(await abort(transaction, situation, turn)));
  }
  return references;
}

interface Exchange {
  from: AuthorityRow;
  to: AuthorityRow;
  event: AuditEvent;
}

async function exchange(transaction: Queries, { from, to, event }: Exchange, turn: Turn): Promise<void> {
  const at = turn.now.toISOString();
  // One is active at any time, which the database sees to: the former goes first.
  await move(
    transaction,
    from,
    { state: 'retiring', retired_at: at, distributed_at: null },
    'authority.retiring',
    turn,
  );
  await move(transaction, to, { state: 'active', activated_at: at, distributed_at: null }, event, turn);
}

/** Its key goes with the row's reference: from now on it signs nothing, whoever reads this database. */
async function bury(transaction: Queries, authority: AuthorityRow, turn: Turn): Promise<string[]> {
  const change = { state: 'gone' as const, gone_at: turn.now.toISOString(), key_reference: '' };
  await move(transaction, authority, change, 'authority.gone', turn);
  return authority.key_reference === '' ? [] : [authority.key_reference];
}

async function move(
  transaction: Queries,
  authority: AuthorityRow,
  change: Updateable<AuthorityTable>,
  event: AuditEvent,
  { audit, authentic, by }: Turn,
): Promise<void> {
  await changeAuthority(transaction, authentic, authority.id, change);
  await audit.record(transaction, { event, by, subject: authority.id, details: { role: authority.role } });
}
