import { TorchpassError } from '@torchpass/core';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { passphraseSource, readPassphrase } from '../config/passphrase.ts';
import { checkTrustDomain, openAuthorities } from '../issuance/authorities.ts';
import { checkLedger } from '../issuance/check-ledger.ts';
import { openStore } from '../store/store.ts';
import type { Flags } from './program.ts';
import { realSurroundings } from './surroundings.ts';

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
    const { checked, problems } = await checkLedger(store, authorities);
    for (const problem of problems) say(problem);
    if (problems.length > 0) {
      throw new TorchpassError('CERTIFICATE_INVALID', `${problems.length} problems in ${checked} issued certificates.`);
    }
    say(`${checked} issued certificates are as their profiles say.`);
  } finally {
    await store.destroy();
  }
}

function say(sentence: string): void {
  process.stdout.write(`${sentence}\n`);
}
