import { reasonOf, Secret, TorchpassError } from '@torchpass/core';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

const CREDENTIAL_NAME = 'torchpass-passphrase';
const PATH_VARIABLE = 'TORCHPASS_PASSPHRASE_FILE';
const OPEN_TO_OTHERS = 0o077;

export interface PassphraseSource {
  path: string;
  /** Where it was named, for messages. */
  named: string;
  /** Whether systemd guards it: its file shows the mode of an access list that names our user alone. */
  guarded: boolean;
}

/**
 * Where the passphrase is: the systemd credential of this name, else the file that an environment variable names, else
 * the configured file. Never on a command line. A folder of credentials may be there for another credential alone.
 */
export function passphraseSource(configured: string, environment: NodeJS.ProcessEnv): PassphraseSource {
  const credentials = environment['CREDENTIALS_DIRECTORY'];
  const credential = credentials === undefined ? undefined : join(credentials, CREDENTIAL_NAME);
  if (credential !== undefined && existsSync(credential)) {
    return { path: credential, named: 'the systemd credential', guarded: true };
  }
  const named = environment[PATH_VARIABLE];
  if (named !== undefined) return { path: named, named: PATH_VARIABLE, guarded: false };
  return { path: configured, named: 'authorities.passphrase_file', guarded: false };
}

/** Reads it, without a line end. `CONFIG_UNREADABLE` when it is missing, empty, or open to other users. */
export async function readPassphrase({ path, named, guarded }: PassphraseSource): Promise<Secret> {
  try {
    const { mode } = await stat(path);
    if (!guarded && (mode & OPEN_TO_OTHERS) !== 0) {
      throw new TorchpassError(
        'CONFIG_UNREADABLE',
        `The passphrase ${path} can be read by others (mode ${(mode & 0o777).toString(8)}).`,
        {
          hint: `Run: chmod 600 ${path}`,
        },
      );
    }
    const text = (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
    if (text !== '') return new Secret(text);
  } catch (error) {
    if (error instanceof TorchpassError) throw error;
    throw new TorchpassError('CONFIG_UNREADABLE', `The passphrase cannot be read (${named}): ${reasonOf(error)}.`, {
      cause: error,
      hint: 'Without it the authorities stay closed. Put the file back, or name the right one.',
    });
  }
  throw new TorchpassError('CONFIG_UNREADABLE', `The passphrase file ${path} is empty (${named}).`);
}
