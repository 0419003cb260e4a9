import { TorchpassError, type Owner } from '@torchpass/core';
import { readFile } from 'node:fs/promises';

/**
 * The owner of what a user, by name from /etc/passwd, may read and must not change: this process with the user's group.
 * Who owns a folder can put a symbolic link into it that a controller running as root would follow. `CONFIG_INVALID` names
 * the key that asked for it.
 */
export async function ownerForReader(name: string, key: string): Promise<Owner> {
  const [, , uid, gid] = await lookUp('/etc/passwd', name, key, 'user');
  return { uid: process.geteuid?.() ?? Number(uid), gid: Number(gid) };
}

/** The number of a group by name, from /etc/group. */
export async function findGroup(name: string, key: string): Promise<number> {
  const [, , gid] = await lookUp('/etc/group', name, key, 'group');
  return Number(gid);
}

async function lookUp(file: string, name: string, key: string, what: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  const found = lines.map((line) => line.split(':')).find((fields) => fields[0] === name);
  if (found !== undefined) return found;
  throw new TorchpassError('CONFIG_INVALID', `${key}: there is no ${what} "${name}" on this machine.`, {
    hint: `Create it, or name one that ${file} has.`,
  });
}
