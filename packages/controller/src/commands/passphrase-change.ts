import { isTorchpassError, TorchpassError, type Secret } from '@torchpass/core';
import { changePassphrase, openSealing, type SealingParameters } from '@torchpass/pki';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { operatorHere, type Actor } from '../audit/actor.ts';
import { createAudit } from '../audit/audit.ts';
import { askNew } from '../config/new-passphrase.ts';
import { newPassphraseSource, passphraseSource, readPassphrase, type SecretSource } from '../config/passphrase.ts';
import { takeInstanceLock } from '../store/instance-lock.ts';
import { openStore, type Store } from '../store/store.ts';
import type { Flags } from './flags.ts';
import { demandStorage } from './storage.ts';
import { realSurroundings, type Base } from './surroundings.ts';
import { personAtTerminal } from './terminal.ts';

export interface PassphraseFlags extends Flags {
  newPassphraseFile?: string;
}

/** Puts the authorities under another passphrase. */
export async function passphraseChange({ newPassphraseFile, ...flags }: PassphraseFlags): Promise<void> {
  const base = await realSurroundings(flags);
  const ask = personAtTerminal();
  const to = newPassphraseSource(newPassphraseFile, process.env, ask);
  if (to === undefined) {
    throw new TorchpassError('USAGE', 'Where the new passphrase is was not said, and there is no terminal to ask at.', {
      hint: 'Name a file of mode 0600 with --new-passphrase-file.',
    });
  }
  const from = passphraseSource(base.config, process.env, ask);
  const lines = await change(base, { from, to }, operatorHere(userInfo().username));
  process.stdout.write(`${lines.join('\n')}\n`);
}

/**
 * The work of `passphrase change`; answers what to tell the operator. One row is rewritten, in one transaction with its entry in the
 * audit log: before it the old passphrase is valid, after it the new one. Run again after it was done, it says so.
 */
export async function change(base: Base, { from, to }: { from: SecretSource; to: SecretSource }, by: Actor) {
  const { config, clock } = base;
  const path = await demandStorage(config);
  const lock = takeInstanceLock(join(config.storage_path, 'controller.lock'));
  try {
    const [old, next] = [await readPassphrase(from), await readNew(to)];
    if (old.reveal() === next.reveal()) {
      throw new TorchpassError('USAGE', 'The new passphrase is the one that is in use.', { hint: 'Give another one.' });
    }
    const store = await openStore({ path, clock, wrap: base.seams?.wrapDialect });
    try {
      const changed = await rewrap(store, base, { old, next }, by);
      return [
        changed
          ? 'The authorities are under the new passphrase; the old one opens nothing here any more.'
          : 'The authorities are under the new passphrase already; nothing was changed.',
        ...whatNext(from, to),
        'Backups that were made before still open with the old one. Keep a copy of the new one elsewhere.',
      ];
    } finally {
      await store.destroy();
    }
  } finally {
    lock.release();
  }
}

async function readNew(source: SecretSource): Promise<Secret> {
  const given = 'ask' in source ? await askNew(source.ask, 'New passphrase: ') : await readPassphrase(source);
  if (given !== undefined) return given;
  throw new TorchpassError('USAGE', 'The new passphrase is empty; nothing was changed.');
}

async function rewrap(
  store: Store,
  { clock, random }: Base,
  { old, next }: { old: Secret; next: Secret },
  by: Actor,
): Promise<boolean> {
  const row = await store.selectFrom('installation').select('sealing').executeTakeFirst();
  if (row === undefined) {
    throw new TorchpassError('NOT_INITIALIZED', 'This storage has no authorities yet.', {
      hint: 'Run: torchpass-controller init',
    });
  }
  const parameters = JSON.parse(row.sealing) as SealingParameters;
  const opened = await openSealing(old, parameters, random).catch(async (error: unknown) => {
    if (!isTorchpassError(error, 'PASSPHRASE_WRONG')) throw error;
    await openSealing(next, parameters, random).catch(() => Promise.reject(error));
    return undefined;
  });
  if (opened === undefined) return false;
  const changed = await changePassphrase(parameters, { old, new: next }, random);
  const audit = createAudit({ key: opened.derive('audit log'), clock });
  await store.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('installation')
      .set({ sealing: JSON.stringify(changed) })
      .execute();
    await audit.record(transaction, { event: 'passphrase.changed', by, subject: 'authorities' });
  });
  return true;
}

/** What has to follow before the controller can start again. */
function whatNext(from: SecretSource, to: SecretSource): string[] {
  if ('ask' in from) return 'ask' in to ? [] : [`Next: set authorities.passphrase_file: ${to.path}`];
  if ('ask' in to) return [`Next: put the new passphrase into ${from.path} (${from.named}), or remove that file.`];
  if (from.guarded) return [`Next: give the content of ${to.path} as the systemd credential torchpass-passphrase.`];
  return [`Next: mv ${to.path} ${from.path}   (or set ${from.named} to ${to.path} and remove the old file)`];
}
