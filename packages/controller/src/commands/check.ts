import { TorchpassError } from '@torchpass/core';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { passphraseSource, readPassphrase, type SecretSource } from '../config/passphrase.ts';
import { verifyLog } from '../audit/verify.ts';
import { checkTrustDomain, openAuthorities } from '../issuance/authorities.ts';
import { checkLedger } from '../issuance/check-ledger.ts';
import { checkMigrations } from '../store/migrate.ts';
import { readStore } from '../store/read-store.ts';
import { explainDecision, refuseLoneOptions, type ExplainFlags } from './explain.ts';
import { realSurroundings, type Base } from './surroundings.ts';
import { personAtTerminal } from './terminal.ts';

const AUDIT_HINT = 'Somebody changed the database past Torchpass. Keep a copy of it before anything else.';

/** Looks at configuration and state, and says what it found. */
export async function check(flags: ExplainFlags): Promise<void> {
  refuseLoneOptions(flags);
  const base = await realSurroundings(flags);
  if (flags.explain === true) return explainDecision(flags, base, (line) => void process.stdout.write(`${line}\n`));
  const source = passphraseSource(base.config, process.env, personAtTerminal());
  await inspect(base, source, (sentence) => void process.stdout.write(`${sentence}\n`));
}

/** The work of `check`: reads only. Findings go to `say`; the one that ends it is thrown. */
export async function inspect(
  { config, token }: Pick<Base, 'config' | 'token'>,
  source: SecretSource,
  say: (sentence: string) => void,
): Promise<void> {
  const path = join(config.storage_path, 'torchpass.db');
  await access(path).catch(() => {
    throw new TorchpassError('NOT_INITIALIZED', `There is no database in ${config.storage_path}.`, {
      hint: `Run: torchpass-controller init --storage.path=${config.storage_path}`,
    });
  });
  say('The configuration is good.');
  const passphrase = await readPassphrase(source);
  await readStore(path, async (store) => {
    await checkMigrations(store as unknown as Kysely<unknown>);
    const authorities = await openAuthorities(store, passphrase, { token });
    checkTrustDomain(authorities.trustDomain, config.trust_domain);
    say(`The authorities of ${authorities.trustDomain} open with the passphrase.`);
    const { checked, problems } = await checkLedger(store, authorities);
    for (const problem of problems) say(problem);
    if (problems.length > 0) {
      throw new TorchpassError('CERTIFICATE_INVALID', `${problems.length} problems in ${checked} issued certificates.`);
    }
    say(`${checked} issued certificates are as their profiles say.`);
    const key = authorities.sealing.derive('audit log');
    // One snapshot, whatever a controller writes and prunes beside.
    const { entries, fault } = await store.transaction().execute((transaction) => verifyLog(transaction, key));
    if (fault !== undefined) throw new TorchpassError('AUDIT_BROKEN', fault.sentence, { hint: AUDIT_HINT });
    say(`${entries} entries of the audit log are as they were written.`);
  });
}
