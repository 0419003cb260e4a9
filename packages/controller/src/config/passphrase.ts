import type { Secret } from '@torchpass/core';
import { credential, readSecretFile, type SecretFile } from './secret-file.ts';

const CREDENTIAL_NAME = 'torchpass-passphrase';
const PATH_VARIABLE = 'TORCHPASS_PASSPHRASE_FILE';

/**
 * Where the passphrase is: the systemd credential of this name, else the file that an environment variable names, else
 * the configured file. Never on a command line.
 */
export function passphraseSource(configured: string, environment: NodeJS.ProcessEnv): SecretFile {
  const guarded = credential(CREDENTIAL_NAME, environment);
  if (guarded !== undefined) return guarded;
  const named = environment[PATH_VARIABLE];
  if (named !== undefined) return { path: named, named: PATH_VARIABLE, guarded: false };
  return { path: configured, named: 'authorities.passphrase_file', guarded: false };
}

export function readPassphrase(source: SecretFile): Promise<Secret> {
  return readSecretFile(source, 'passphrase');
}
