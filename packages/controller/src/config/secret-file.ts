import { reasonOf, Secret, TorchpassError } from '@torchpass/core';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { looseFile, refuseLoose } from './permissions.ts';

/** A file with a secret in it, one line. */
export interface SecretFile {
  path: string;
  /** Where it was named, for messages. */
  named: string;
  /** Whether systemd guards it: its file shows the mode of an access list that names our user alone. */
  guarded: boolean;
}

/** What systemd put there by this name (systemd.exec(5), CREDENTIALS). A folder may be there for another credential alone. */
export function credential(name: string, environment: NodeJS.ProcessEnv): SecretFile | undefined {
  const folder = environment['CREDENTIALS_DIRECTORY'];
  const path = folder === undefined ? undefined : join(folder, name);
  if (path === undefined || !existsSync(path)) return undefined;
  return { path, named: `the systemd credential ${name}`, guarded: true };
}

/** Reads it, without a line end. `CONFIG_UNREADABLE` when it is missing or empty, `PERMISSIONS_LOOSE` when others can read it. */
export async function readSecretFile({ path, named, guarded }: SecretFile, what: string): Promise<Secret> {
  try {
    if (!guarded) refuseLoose(looseFile(path, await stat(path)));
    const text = (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
    if (text !== '') return new Secret(text);
  } catch (error) {
    if (error instanceof TorchpassError) throw error;
    throw new TorchpassError('CONFIG_UNREADABLE', `The ${what} cannot be read (${named}): ${reasonOf(error)}.`, {
      cause: error,
      hint: 'Without it the authorities stay closed. Put the file back, or name the right one.',
    });
  }
  throw new TorchpassError('CONFIG_UNREADABLE', `The ${what} file ${path} is empty (${named}).`);
}
