import { TorchpassError } from '@torchpass/core';
import { checkLeaf } from '@torchpass/pki';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { passphraseSource, readPassphrase } from '../config/passphrase.ts';
import { openAuthorities, type Authorities } from '../issuance/authorities.ts';
import { openStore, type Store } from '../store/store.ts';
import { checkTrustDomain } from './init.ts';
import type { Flags } from './program.ts';
import { realSurroundings } from './surroundings.ts';

const PAGE = 500;

/** Looks at configuration and state, and says what it found. */
export async function check(flags: Flags): Promise<void> {
  const { config, clock } = await realSurroundings(flags);
  const path = join(config.storage_path, 'torchpass.db');
  await access(path).catch(() => {
    throw new TorchpassError('NOT_INITIALIZED', `There is no database in ${config.storage_path}.`, {
      hint: `Run: torchpass-controller init --storage.path=${config.storage_path}`,
    });
  });
  say('The configuration is good.');
  const passphrase = await readPassphrase(passphraseSource(config.authorities.passphrase_file, process.env));
  const store = await openStore({ path, clock });
  try {
    const authorities = await openAuthorities(store, passphrase);
    checkTrustDomain(authorities.trustDomain, config.trust_domain);
    say(`The authorities of ${authorities.trustDomain} open with the passphrase.`);
    const { checked, problems } = await checkCertificates(store, authorities);
    for (const problem of problems) say(problem);
    if (problems.length > 0) {
      throw new TorchpassError('CERTIFICATE_INVALID', `${problems.length} problems in ${checked} issued certificates.`);
    }
    say(`${checked} issued certificates are as their profiles say.`);
  } finally {
    await store.destroy();
  }
}

/** Reads every issued certificate again with another library than the one that made it. */
async function checkCertificates(
  store: Store,
  authorities: Authorities,
): Promise<{ checked: number; problems: string[] }> {
  const problems: string[] = [];
  let checked = 0;
  for (let after = ''; ;) {
    const rows = await store
      .selectFrom('certificates')
      .selectAll()
      .where('serial', '>', after)
      .where('certificate', 'is not', null)
      .orderBy('serial')
      .limit(PAGE)
      .execute();
    for (const row of rows) {
      if (row.certificate === null) continue;
      const found = checkLeaf(row.certificate, authorities.certificateOf(row.authority_id), row.role);
      problems.push(...found.map((problem) => `Certificate ${row.serial} (${row.role}): ${problem}`));
      checked += 1;
      after = row.serial;
    }
    if (rows.length < PAGE) return { checked, problems };
  }
}

function say(sentence: string): void {
  process.stdout.write(`${sentence}\n`);
}
