import {
  checkName,
  parseDuration,
  randomId,
  Secret,
  TorchpassError,
  formatDuration,
  type Clock,
  type Random,
} from '@torchpass/core';
import { pinOf } from '@torchpass/pki';
import { checkLabels } from '@torchpass/prometheus';
import { encodeJoinToken, TOKEN_ID_LENGTH, TOKEN_SECRET_BYTES } from '@torchpass/protocol';
import type { Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { CreatedToken, CreateTokenRequest, TokenView } from '../api/types.ts';
import type { Authorities } from '../issuance/authorities.ts';
import { listFrom, mapFrom, toJson } from '../store/json.ts';
import type { Policy } from '../policy/policy.ts';
import type { Rule } from '../policy/request.ts';
import { decideToken, tokenRefusal } from '../policy/token.ts';
import type { Store } from '../store/store.ts';
import { checkHostName } from '../hosts/host-name.ts';
import { checkClaimableAddress, checkNetwork } from '../targets/address-policy.ts';
import { findReplaced } from './replacement.ts';
import { allowedBy } from './allowed.ts';
import { hashSecret, type TokenRow } from './redeem.ts';

const LONGEST_VALIDITY_MS = 366 * 24 * 3_600_000;
const SHORTEST_VALIDITY_MS = 1000;

interface Tools {
  store: Store;
  authorities: Authorities;
  audit: Audit;
  clock: Clock;
  random: Random;
  /** HOST:PORT that agents dial. */
  controller: string;
  policy: Policy;
  countRefusal: (rule: Rule) => void;
}

/** Join tokens as the operator sees them. */
export function createTokens({ store, authorities, audit, clock, random, controller, policy, countRefusal }: Tools) {
  /** `POLICY_REFUSED`: a token that could not be used is not made. */
  const judge = (row: ReturnType<typeof checkRequest>) => {
    const steps = decideToken(policy, { ...allowedBy(row), labels: mapFrom(row.labels) });
    const refused = steps.find(({ allowed }) => !allowed);
    if (refused === undefined) return;
    countRefusal(refused.rule);
    throw tokenRefusal(refused);
  };

  return {
    /** Makes a token. The secret is in the answer and nowhere else. */
    async create(request: CreateTokenRequest, by: Actor): Promise<CreatedToken> {
      const checked = checkRequest(request);
      judge(checked);
      const secret = random.bytes(TOKEN_SECRET_BYTES);
      const now = clock.now();
      // Read once: what the row says about the pins is what the token has.
      const { roots, rootIds } = authorities;
      const replaced = request.replace === undefined ? undefined : await findReplaced(store, request);
      const row = authorities.authentic.seal('join_tokens', {
        id: randomId(random, TOKEN_ID_LENGTH),
        secret_hash: hashSecret(secret),
        ...checked,
        ...replaced,
        uses: 0,
        created_at: now.toISOString(),
        expires_at: new Date(now.getTime() + validity(request.expiresIn)).toISOString(),
        revoked_at: null,
        root_ids: toJson(rootIds),
      });
      await store.transaction().execute(async (transaction) => {
        await transaction.insertInto('join_tokens').values(row).execute();
        const { expires_at, max_uses, host_name, replaces_host_id } = row;
        const details = { expires_at, max_uses, host_name, replaces_host_id, approval: request.approval };
        await audit.record(transaction, { event: 'token.created', by, subject: row.id, details });
      });
      const pins = roots.map((root) => pinOf(root));
      const token = encodeJoinToken({ id: row.id, secret: new Secret(secret), pins });
      return { token: token.reveal(), controller, details: view(row, now) };
    },

    async list(): Promise<TokenView[]> {
      const rows = await store.selectFrom('join_tokens').selectAll().orderBy('created_at').orderBy('id').execute();
      return rows.map((row) => view(row, clock.now()));
    },

    /** Ends a token; doing it twice changes nothing. */
    async revoke(id: string, by: Actor): Promise<TokenView> {
      const now = clock.now();
      await store.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('join_tokens')
          .set({ revoked_at: now.toISOString() })
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .executeTakeFirst();
        if (numUpdatedRows > 0n) await audit.record(transaction, { event: 'token.revoked', by, subject: id });
      });
      const row = await store.selectFrom('join_tokens').selectAll().where('id', '=', id).executeTakeFirst();
      if (row !== undefined) return view(row, now);
      throw new TorchpassError('NOT_FOUND', `There is no token ${JSON.stringify(id)}.`, {
        hint: 'See "torchpass token list".',
      });
    },
  };
}

function checkRequest(request: CreateTokenRequest) {
  const hostName = request.hostName === undefined ? null : checkHostName(request.hostName);
  if (hostName !== null && request.uses !== 1) {
    throw new TorchpassError('REQUEST_INVALID', 'A token that prescribes the host name can have one use only.', {
      hint: 'Make one token for each host, or leave the name to the hosts.',
    });
  }
  return {
    job: request.job === null ? null : checkName('job', request.job),
    labels: toJson(checkLabels(request.labels)),
    host_name: hostName,
    addresses: toJson(request.addresses.map(checkClaimableAddress)),
    networks: toJson(request.networks.map(checkNetwork)),
    exporters: toJson(request.exporters.map((exporter) => checkName('exporter', exporter))),
    approval: request.approval ? 1 : 0,
    max_uses: request.uses,
    replaces_host_id: null,
    note: request.note,
  };
}

function validity(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds >= SHORTEST_VALIDITY_MS && milliseconds <= LONGEST_VALIDITY_MS) return milliseconds;
  throw new TorchpassError('REQUEST_INVALID', `A token cannot be valid for ${text}.`, {
    hint: `Choose between ${formatDuration(SHORTEST_VALIDITY_MS)} and ${formatDuration(LONGEST_VALIDITY_MS)}; an hour is usual.`,
  });
}

function view(row: TokenRow, now: Date): TokenView {
  return {
    id: row.id,
    state: stateOf(row, now),
    job: row.job,
    labels: mapFrom(row.labels),
    hostName: row.host_name,
    replaces: row.replaces_host_id !== null,
    addresses: listFrom(row.addresses),
    networks: listFrom(row.networks),
    exporters: listFrom(row.exporters),
    approval: row.approval === 1,
    uses: row.uses,
    maxUses: row.max_uses,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    note: row.note,
  };
}

function stateOf(row: TokenRow, now: Date): TokenView['state'] {
  if (row.revoked_at !== null) return 'revoked';
  if (row.uses >= row.max_uses) return 'used';
  return new Date(row.expires_at) <= now ? 'expired' : 'usable';
}
