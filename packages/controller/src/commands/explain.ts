import { TorchpassError } from '@torchpass/core';
import type { Kysely } from 'kysely';
import { join } from 'node:path';
import { explain, type Question } from '../policy/explain.ts';
import { policyOf } from '../policy/policy.ts';
import { checkMigrations } from '../store/migrate.ts';
import { readStore } from '../store/read-store.ts';
import type { Flags } from './flags.ts';
import type { Base } from './surroundings.ts';

/** What "check --explain" takes, as typed. */
export interface ExplainFlags extends Flags {
  explain?: boolean;
  host?: string;
  from?: string;
  exporter?: string;
  port?: string;
  job?: string;
  address?: string;
  label?: string[];
  token?: string;
  output?: string;
}

export const EXPLAIN_OPTIONS = [
  ['--explain', 'say what the policy would decide on a request, rule by rule, instead'],
  ['--host <name>', 'with --explain: name of the host; what it has is taken for what is not given'],
  ['--from <address>', 'with --explain: where its agent connects from'],
  ['--token <id>', 'with --explain: id of the join token that it would join with'],
  ['--exporter <name>', 'with --explain: exporter of the host'],
  ['--port <number>', 'with --explain: port of the exporter (default: 9100)'],
  ['--job <name>', 'with --explain: job of the exporter'],
  ['--address <address>', 'with --explain: address or name that its agent advertises'],
  ['--label <name=value...>', 'with --explain: labels of the host'],
  ['--output <form>', 'text or json (default: text)'],
] as const;

/** Prints the decision, a line a rule. `POLICY_REFUSED` at the end when it is a refusal. Works beside a running controller. */
export async function explainDecision(
  flags: ExplainFlags,
  { config, clock, resolve }: Pick<Base, 'config' | 'clock' | 'resolve'>,
  say: (line: string) => void,
): Promise<void> {
  const question = questionFrom(flags);
  const { decision, unresolved } = await readStore(join(config.storage_path, 'torchpass.db'), async (store) => {
    await checkMigrations(store as unknown as Kysely<unknown>);
    return explain(store, question, { policy: policyOf(config), resolve, now: clock.now() });
  });
  if (flags.output === 'json') say(JSON.stringify({ ...decision, unresolved }, undefined, 2));
  else {
    for (const { rule, value, allowed, why } of decision.steps)
      say(`${allowed ? 'allowed' : 'REFUSED'}  ${rule.padEnd(24)}  ${value}: ${why}`);
    if (unresolved !== null) say(`unknown  its addresses: ${unresolved}`);
    if (decision.allowed) say('Allowed.');
  }
  const refusals = decision.steps.filter(({ allowed }) => !allowed).length;
  if (refusals === 0) return;
  const rules = refusals === 1 ? 'One rule refuses' : `${refusals} rules refuse`;
  throw new TorchpassError('POLICY_REFUSED', `${rules} this request.`);
}

function questionFrom({ host, from, exporter, port, job, address, label, token }: ExplainFlags): Question {
  if (port !== undefined && !/^[1-9]\d{0,4}$/.test(port))
    throw usage(`--port: ${JSON.stringify(port.slice(0, 20))} is not a port.`);
  const pairs = label?.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw usage(`--label: ${JSON.stringify(text.slice(0, 80))} is not NAME=VALUE.`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  const labels = pairs === undefined ? undefined : Object.fromEntries(pairs);
  return { host, from, exporter, port: port === undefined ? undefined : Number(port), job, address, labels, token };
}

/** Without --explain the rest of it would be ignored silently. */
export function refuseLoneOptions({ explain: isAsked, ...flags }: ExplainFlags): void {
  const { host, from, exporter, port, job, address, label, token, output = 'text' } = flags;
  if (!['text', 'json'].includes(output)) throw usage('--output is text or json.');
  const given = [host, from, exporter, port, job, address, label, token].some((value) => value !== undefined);
  if (given && isAsked !== true) throw usage('These options are for "check --explain".');
}

function usage(message: string): TorchpassError {
  return new TorchpassError('USAGE', message, { hint: 'See: torchpass-controller check --help' });
}
