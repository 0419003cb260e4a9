import { isTorchpassError, reasonOf, TorchpassError } from '@torchpass/core';
import { openSealing, type SealingParameters } from '@torchpass/pki';
import type { Kysely } from 'kysely';
import { verifyLog } from '../audit/verify.ts';
import { checkAuthorities } from '../checks/check-authorities.ts';
import { checkCertificates } from '../checks/check-certificates.ts';
import { checkHosts } from '../checks/check-hosts.ts';
import { checkLines } from '../checks/check-lines.ts';
import { checkTargets } from '../checks/check-targets.ts';
import { error, type Finding } from '../checks/finding.ts';
import { passphraseSource, readPassphrase, type SecretSource } from '../config/passphrase.ts';
import { checkTrustDomain } from '../issuance/authorities.ts';
import { createKeyStore } from '../issuance/key-store.ts';
import { checkMigrations } from '../store/migrate.ts';
import { readStore } from '../store/read-store.ts';
import type { Store } from '../store/store.ts';
import { vetAddress } from '../targets/address-policy.ts';
import { explainDecision, refuseLoneOptions, type ExplainFlags } from './explain.ts';
import { findLoose } from './loose-paths.ts';
import { demandStorage } from './storage.ts';
import { realSurroundings, type Base } from './surroundings.ts';
import { personAtTerminal } from './terminal.ts';

const AUDIT_LOG = 'audit log';

export type CheckBase = Pick<Base, 'config' | 'token' | 'clock' | 'resolve'>;

/** What was looked at, and what was found. */
export interface Checked {
  /** How many signed certificates were read back. */
  certificates: number;
  /** How many entries of the audit log were verified. */
  entries: number;
  findings: Finding[];
}

/** Looks at configuration and state, and says what it found. CHECK_FAILED when there are errors. */
export async function check(flags: ExplainFlags): Promise<void> {
  refuseLoneOptions(flags);
  const base = await realSurroundings(flags);
  if (flags.explain === true) return explainDecision(flags, base, (line) => void process.stdout.write(`${line}\n`));
  const { output = 'text' } = flags;
  const source = passphraseSource(base.config, process.env, personAtTerminal());
  const checked = await inspect(base, source);
  await base.token?.close();
  process.stdout.write(output === 'json' ? `${JSON.stringify(checked, null, 2)}\n` : textOf(checked));
  refuseErrors(checked);
}

/** The work of `check`: reads only. What makes it impossible to look at all is thrown. */
export async function inspect(base: CheckBase, source: SecretSource): Promise<Checked> {
  const { config, token } = base;
  const path = await demandStorage(config);
  const loose = (await findLoose(config)).map(({ path: place, problem, remedy }) =>
    error(place, `${problem} Run: ${remedy}`),
  );
  const passphrase = await readPassphrase(source);
  return readStore(path, async (store) => {
    await checkMigrations(store as unknown as Kysely<unknown>);
    const installation = await store.selectFrom('installation').selectAll().executeTakeFirst();
    if (installation === undefined) {
      throw new TorchpassError('NOT_INITIALIZED', 'This storage has no authorities yet.', {
        hint: 'Run: torchpass-controller init',
      });
    }
    checkTrustDomain(installation.trust_domain, config.trust_domain);
    const sealing = await openSealing(passphrase, JSON.parse(installation.sealing) as SealingParameters);
    const keys = createKeyStore({ sealing, token });
    const found = await inspectStore(store, base, { keys, key: sealing.derive('audit log') });
    return { ...found, findings: [...loose, ...found.findings] };
  });
}

async function inspectStore(
  store: Store,
  { config, clock, resolve }: CheckBase,
  { keys, key }: { keys: ReturnType<typeof createKeyStore>; key: Buffer },
): Promise<Checked> {
  const now = clock.now();
  const judge = async (name: string) => {
    try {
      await vetAddress(name, { allowedNetworks: config.policy.allowed_networks }, resolve);
    } catch (reason) {
      if (isTorchpassError(reason, 'ADDRESS_REFUSED')) return reasonOf(reason);
      // A name server that does not answer decides nothing.
      if (!isTorchpassError(reason, 'ADDRESS_UNRESOLVED')) throw reason;
    }
    return undefined;
  };
  const authorities = await checkAuthorities({ store, keys, trustDomain: config.trust_domain, now });
  const { checked, findings } = await checkCertificates(store, now);
  const lines = await checkLines(store);
  const hosts = await checkHosts(store, now);
  const targets = await checkTargets(store, judge, now);
  // One snapshot, whatever a controller writes and prunes beside.
  const { entries, fault } = await store.transaction().execute((transaction) => verifyLog(transaction, key));
  const audit = fault === undefined ? [] : [error(AUDIT_LOG, fault.sentence)];
  const all = [...authorities, ...findings, ...lines, ...hosts, ...targets, ...audit];
  return { certificates: checked, entries, findings: all };
}

export function textOf({ certificates, entries, findings }: Checked): string {
  const lines = findings.map(({ severity, subject, problem }) => `${severity}: ${subject}: ${problem}`);
  const rest = findings.length === 0 ? 'Nothing to say about them.' : `${findings.length} findings.`;
  return [
    ...lines,
    'The configuration is good, and the passphrase is right.',
    `Read back: authorities, ${certificates} issued certificates, hosts, targets, ${entries} entries of the audit log. ${rest}`,
    '',
  ].join('\n');
}

const hint =
  'Unless permissions are all: somebody changed the database past Torchpass. Keep a copy before anything else.';

export function refuseErrors({ findings }: Checked): void {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const [first, ...more] = errors;
  if (first === undefined) return;
  if (more.length === 0 && first.subject === AUDIT_LOG)
    throw new TorchpassError('AUDIT_BROKEN', first.problem, { hint });
  throw new TorchpassError('CHECK_FAILED', `${errors.length} of the ${findings.length} findings are errors.`, { hint });
}
