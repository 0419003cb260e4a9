import { TorchpassError, type Logger } from '@torchpass/core';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Selectable } from 'kysely';
import { Refusal } from '../audit/refusal.ts';
import { listFrom } from '../store/json.ts';
import type { AuthenticRows } from '../store/authentic-rows.ts';
import type { JoinTokenTable } from '../store/schema.ts';
import type { Queries } from '../store/store.ts';
import { isInNetworks } from '../targets/address-policy.ts';
import type { Guesses } from './guesses.ts';

export type TokenRow = Selectable<JoinTokenTable>;

export interface Presented {
  id: string;
  secret: Buffer;
  /** Where the caller connects from. */
  address: string;
}

/** SHA-256. The secret has 160 random bits, so there is nothing to guess from a stolen hash. */
export function hashSecret(secret: Uint8Array): Buffer {
  return createHash('sha256').update(secret).digest();
}

/**
 * Finds the token that was presented. Whether it may still be used is for `consume` to say. `TOKEN_REJECTED` says the
 * same to the caller in every case; the log says why and from where.
 */
export async function authenticateToken(
  queries: Queries,
  presented: Presented,
  { guesses, authentic, logger }: { guesses: Guesses; authentic: AuthenticRows; logger: Logger },
): Promise<TokenRow> {
  const row = await queries.selectFrom('join_tokens').selectAll().where('id', '=', presented.id).executeTakeFirst();
  // An unknown token costs the same comparison as a wrong secret.
  const matches = timingSafeEqual(hashSecret(presented.secret), row?.secret_hash ?? Buffer.alloc(32));
  if (row === undefined) throw rejected('unknown token', presented, logger);
  if (!guesses.mayTry(row.id)) throw rejected('too many wrong secrets', presented, logger);
  if (!matches) {
    await guesses.wrong(row.id, presented.address);
    throw rejected('wrong secret', presented, logger);
  }
  try {
    authentic.check('join_tokens', row);
  } catch {
    throw rejected('written past the controller', presented, logger);
  }
  if (row.revoked_at !== null) throw rejected('revoked', presented, logger);
  const networks = listFrom(row.networks);
  if (networks.length > 0 && !isInNetworks(presented.address, networks)) {
    throw rejected('source address not allowed', presented, logger);
  }
  return row;
}

/** The host that this token and key made before, if any: the answer to a repeated request. */
export async function hostOfEarlierUse(
  queries: Queries,
  tokenId: string,
  keyFingerprint: string,
): Promise<string | undefined> {
  const use = await queries
    .selectFrom('token_uses')
    .select('host_id')
    .where('token_id', '=', tokenId)
    .where('key_fingerprint', '=', keyFingerprint)
    .executeTakeFirst();
  return use?.host_id;
}

/** Uses the token up by one, in the caller's transaction: one conditional update decides every race. */
export async function consume(
  transaction: Queries,
  token: TokenRow,
  use: { presented: Presented; now: Date },
  logger: Logger,
): Promise<void> {
  const now = use.now.toISOString();
  const { numUpdatedRows } = await transaction
    .updateTable('join_tokens')
    .set((expression) => ({ uses: expression('uses', '+', 1) }))
    .where('id', '=', token.id)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .whereRef('uses', '<', 'max_uses')
    .executeTakeFirst();
  if (numUpdatedRows > 0n) return;
  const row = await transaction.selectFrom('join_tokens').selectAll().where('id', '=', token.id).executeTakeFirst();
  throw rejected(whySpent(row ?? token, use.now) ?? 'used up', use.presented, logger);
}

/** Why the token makes no more hosts; undefined while it does. */
export function whySpent(token: TokenRow, now: Date): string | undefined {
  if (token.revoked_at !== null) return 'revoked';
  if (token.expires_at <= now.toISOString()) return 'expired';
  return token.uses >= token.max_uses ? 'used up' : undefined;
}

/** Remembers who used it; after the host exists, in the same transaction. */
export async function recordUse(
  transaction: Queries,
  use: { tokenId: string; keyFingerprint: string; hostId: string; now: Date },
): Promise<void> {
  await transaction
    .insertInto('token_uses')
    .values({
      token_id: use.tokenId,
      key_fingerprint: use.keyFingerprint,
      host_id: use.hostId,
      used_at: use.now.toISOString(),
    })
    .execute();
}

/** The same to the caller whatever the reason; the log says why and from where, and so does the audit log, from the cause. */
export function rejected(why: string, { id, address }: Omit<Presented, 'secret'>, logger: Logger): TorchpassError {
  logger.warn('join token rejected', { reason: why, token: id.slice(0, 32), from: address });
  return new TorchpassError('TOKEN_REJECTED', 'The controller does not accept this join token.', {
    cause: new Refusal({ event: 'token.rejected', subject: id.slice(0, 32), details: { reason: why } }),
    hint: 'The controller\'s log says why. Make a new one with "torchpass token create".',
  });
}
