import type { Files, Owner } from '@torchpass/core';
import { TorchpassError } from '@torchpass/core';

/**
 * Looks `user:group`, or `user` for the user's own group, up in /etc/passwd and /etc/group (passwd(5), group(5)).
 * The user has to be in the group: files are given to the group, and the exporter that runs as the user has to read them.
 */
export async function readOwner(text: string, files: Files): Promise<Owner> {
  const [userName = '', groupName, ...more] = text.split(':');
  if (userName === '' || groupName === '' || more.length > 0) throw wrong(`"${text}" is not of the form USER:GROUP`);
  const user = (await rows('/etc/passwd', files)).find(([name]) => name === userName);
  if (user === undefined) throw wrong(`there is no user "${userName}" in /etc/passwd`);
  const uid = Number(user[2]);
  const primary = Number(user[3]);
  if (groupName === undefined) return { uid, gid: primary };
  const group = (await rows('/etc/group', files)).find(([name]) => name === groupName);
  if (group === undefined) throw wrong(`there is no group "${groupName}" in /etc/group`);
  const gid = Number(group[2]);
  const member = gid === primary || (group[3] ?? '').split(',').includes(userName);
  if (!member) throw wrong(`the user "${userName}" is not in the group "${groupName}"`);
  return { uid, gid };
}

async function rows(path: string, files: Files): Promise<string[][]> {
  const text = (await files.read(path))?.toString('utf8') ?? '';
  return text.split('\n').map((line) => line.split(':'));
}

function wrong(why: string): TorchpassError {
  return new TorchpassError('CONFIG_INVALID', `${why}.`, {
    hint: 'Name the user and the group that the exporter runs as.',
  });
}
