import { canonicalIp, checkName, formatHostPort, TorchpassError } from '@torchpass/core';
import { checkLabels } from '@torchpass/prometheus';
import { neighboursOf } from '../hosts/address-owner.ts';
import { findExporter } from '../hosts/exporters.ts';
import { addressesOf, narrowingOf, whereItIs } from '../hosts/facts.ts';
import { LIVE_STATES } from '../store/host-states.ts';
import { mapFrom } from '../store/json.ts';
import type { HostTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { checkClaimableAddress, type Resolve } from '../targets/address-policy.ts';
import { allowedBy } from '../tokens/allowed.ts';
import type { TokenRow } from '../tokens/redeem.ts';
import { decideResolving, type Resolved } from './decide-resolving.ts';
import type { Policy } from './policy.ts';

/** A request as an operator describes it; what is left out is taken from the host or the token, where one is named. */
export interface Question {
  host?: string | undefined;
  /** Where the agent connects from. */
  from?: string | undefined;
  exporter?: string | undefined;
  port?: number | undefined;
  job?: string | undefined;
  /** What the agent says with `advertise`. */
  address?: string | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  /** Id of a token that the host would join with. */
  token?: string | undefined;
}

const USUAL_PORT = 9100;

/** The decision that a request would get now, rule by rule. Reads the database only. `NOT_FOUND` for an unknown token. */
export async function explain(
  store: Store,
  question: Question,
  { policy, resolve, now }: { policy: Policy; resolve: Resolve; now: Date },
): Promise<Resolved> {
  const token = question.token === undefined ? undefined : await findToken(store, question.token);
  const name = question.host ?? token?.host_name ?? undefined;
  const known = name === undefined ? undefined : await findHost(store, checkName('host', name));
  // Who joins with a token is a new host, whoever has the name now.
  const host = token === undefined ? known : undefined;
  const source = question.from === undefined ? host?.address : sourceFrom(question.from);
  const from = source === undefined ? undefined : whereFrom(source, host, now);
  const { exporter } = question;
  const row = host === undefined || exporter === undefined ? undefined : await findExporter(store, host.id, exporter);
  const address = addressOf(question, from, row?.published_target ?? row?.target ?? null);
  const port = question.port ?? row?.port ?? USUAL_PORT;
  const given = token ?? host;
  return decideResolving(
    policy,
    {
      host: name,
      ...(from === undefined ? {} : { from }),
      labels:
        question.labels === undefined
          ? given === undefined
            ? {}
            : mapFrom(given.labels)
          : checkLabels(question.labels),
      token: token === undefined ? host && narrowingOf(host) : allowedBy(token),
      exporter,
      job: question.job ?? given?.job ?? row?.job ?? exporter,
      address,
      ...(address === undefined
        ? {}
        : {
            target: formatHostPort({ host: address, port }),
            neighbours: await neighboursOf(store, host?.id ?? '', namesOf(address)),
          }),
    },
    resolve,
  );
}

function addressOf(
  { address, exporter }: Question,
  from: readonly [string, ...string[]] | undefined,
  current: string | null,
) {
  if (address !== undefined) return checkClaimableAddress(address);
  return exporter === undefined || from === undefined ? undefined : whereItIs(from, current);
}

function whereFrom(source: string, host: HostTable | undefined, now: Date): readonly [string, ...string[]] {
  return host === undefined ? [source] : addressesOf(host, source, now);
}

function namesOf(address: string) {
  const isIp = canonicalIp(address) !== undefined;
  return { dnsNames: isIp ? [] : [address], ipAddresses: isIp ? [address] : [] };
}

function sourceFrom(text: string): string {
  const ip = canonicalIp(text);
  if (ip !== undefined) return ip;
  throw new TorchpassError('ADDRESS_INVALID', `${JSON.stringify(text.slice(0, 80))} is not an IP address.`);
}

function findHost(store: Store, name: string): Promise<HostTable | undefined> {
  return store
    .selectFrom('hosts')
    .selectAll()
    .where('name', '=', name)
    .where('state', 'in', LIVE_STATES)
    .executeTakeFirst();
}

async function findToken(store: Store, id: string): Promise<TokenRow> {
  const row = await store.selectFrom('join_tokens').selectAll().where('id', '=', id).executeTakeFirst();
  if (row !== undefined) return row;
  throw new TorchpassError('NOT_FOUND', `There is no token ${JSON.stringify(id.slice(0, 80))}.`, {
    hint: 'See "torchpass token list": it is the id that is meant, not the token itself.',
  });
}
