import type { Secret } from '@torchpass/core';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { credential, readSecretFile, type SecretFile } from './secret-file.ts';

/** Asks the person at the terminal, who types unseen. */
export type Ask = (question: string) => Promise<Secret>;

/** A file, or a person. */
export type SecretSource = SecretFile | { ask: Ask };

const CREDENTIAL_NAME = 'torchpass-passphrase';
const PATH_VARIABLE = 'TORCHPASS_PASSPHRASE_FILE';

/**
 * Where the passphrase is: the systemd credential of this name, else the file that an environment variable names, else
 * the configured file; when none was configured and the default one is not there, the person at the terminal, if there
 * is one. Never on a command line.
 */
export function passphraseSource(
  { authorities, storage_path }: { authorities: { passphrase_file: string }; storage_path: string },
  environment: NodeJS.ProcessEnv,
  ask?: Ask,
): SecretSource {
  const guarded = credential(CREDENTIAL_NAME, environment);
  if (guarded !== undefined) return guarded;
  const named = environment[PATH_VARIABLE];
  if (named !== undefined) return { path: named, named: PATH_VARIABLE, guarded: false };
  const { passphrase_file: path } = authorities;
  const isDefault = path === join(storage_path, 'passphrase');
  if (ask !== undefined && isDefault && !existsSync(path)) return { ask };
  return { path, named: 'authorities.passphrase_file', guarded: false };
}

export async function readPassphrase(source: SecretSource): Promise<Secret> {
  return 'ask' in source ? source.ask('Passphrase of the authorities: ') : readSecretFile(source, 'passphrase');
}

const NEW_CREDENTIAL_NAME = 'torchpass-new-passphrase';
const NEW_PATH_VARIABLE = 'TORCHPASS_NEW_PASSPHRASE_FILE';

/** Where the next passphrase is, likewise; `file` is what a flag names. Undefined when nobody says it. */
export function newPassphraseSource(
  file: string | undefined,
  environment: NodeJS.ProcessEnv,
  ask?: Ask,
): SecretSource | undefined {
  if (file !== undefined) return { path: file, named: '--new-passphrase-file', guarded: false };
  const guarded = credential(NEW_CREDENTIAL_NAME, environment);
  if (guarded !== undefined) return guarded;
  const named = environment[NEW_PATH_VARIABLE];
  if (named !== undefined) return { path: named, named: NEW_PATH_VARIABLE, guarded: false };
  return ask === undefined ? undefined : { ask };
}
