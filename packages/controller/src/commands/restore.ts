import { isName, TorchpassError } from '@torchpass/core';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { operatorHere } from '../audit/actor.ts';
import { restore as restoreInstallation, type Restored } from '../backup/restore.ts';
import { passphraseSource, readPassphrase } from '../config/passphrase.ts';
import { refuseLoose } from '../config/permissions.ts';
import { backupPassphrase, readBackup } from './backup.ts';
import { flagsAsText, type Flags } from './flags.ts';
import { findLoose } from './loose-paths.ts';
import { realSurroundings } from './surroundings.ts';
import { personAtTerminal } from './terminal.ts';

export interface RestoreFlags extends Flags {
  passphraseFile?: string;
  revoke?: string[];
  revokeFile?: string;
}

/** Puts an installation back where there is none. */
export async function restore(flags: RestoreFlags, file: string): Promise<void> {
  const base = await realSurroundings(flags);
  const { config } = base;
  // What the controller would refuse to start with is better known before.
  refuseLoose(await findLoose(config));
  const installation = await readPassphrase(passphraseSource(config, process.env, personAtTerminal()));
  const passphrases = { backup: await backupPassphrase(flags.passphraseFile, async () => installation), installation };
  const restored = await restoreInstallation(
    {
      storage: config.storage_path,
      backup: readBackup(file),
      passphrases,
      trustDomain: config.trust_domain,
      identityLifetimeMs: config.certificates.identity_lifetime + config.certificates.renewal_grace,
      revoke: await hostsToRevoke(flags),
      by: operatorHere(userInfo().username),
    },
    base,
  );
  const { revoke: _revoke, revokeFile: _file, passphraseFile: _own, ...rest } = flags;
  const run = ['torchpass-controller run', ...flagsAsText(rest)].join(' ');
  process.stdout.write(`${reportOf(restored, config.storage_path, run).join('\n')}\n`);
}

async function hostsToRevoke({ revoke = [], revokeFile }: RestoreFlags): Promise<string[]> {
  const listed = revokeFile === undefined ? '' : await readFile(revokeFile, 'utf8').catch(unreadable);
  const names = [...revoke, ...listed.split('\n').map((line) => line.replace(/#.*/, '').trim())].filter(
    (name) => name !== '',
  );
  const wrong = names.find((name) => !isName(name));
  if (wrong === undefined) return names;
  throw new TorchpassError('USAGE', `${JSON.stringify(wrong.slice(0, 80))} is not the name of a host.`);
}

function unreadable(error: unknown): never {
  throw new TorchpassError('FILE_UNREADABLE', `The list of hosts to revoke cannot be read: ${String(error)}.`, {
    cause: error,
  });
}

/** What the operator has to know, as lines. */
export function reportOf(
  { manifest, epoch, endedTokens, revoked, unknown, auditFault }: Restored,
  storage: string,
  run: string,
): string[] {
  const tokens = endedTokens.map(({ id, note, host_name }) => `  ${[id, host_name ?? '', note].join(' ').trimEnd()}`);
  return [
    `Restored ${manifest.trust_domain} as it was on ${manifest.made_at} into ${storage} (restore number ${epoch}).`,
    ...(auditFault === undefined ? [] : [`The audit log in the backup does not verify: ${auditFault}`]),
    ...(tokens.length === 0
      ? ['No join token of the backup could still be used.']
      : ['These join tokens could still be used and are dead now; make new ones:', ...tokens]),
    ...(revoked.length === 0 ? [] : [`Revoked: ${revoked.join(', ')}.`]),
    ...(unknown.length === 0 ? [] : [`Not in the backup, so there is nothing to revoke: ${unknown.join(', ')}.`]),
    '',
    'Hosts that renewed since then are accepted with their newer identity when they call.',
    'Hosts that joined since then are unknown: "torchpass audit log --event identity.unknown" lists those that call. They join again with a new token.',
    'Hosts, certificates and tokens that were revoked since then are back, unless you named the hosts with --revoke: check "torchpass host list" before you start.',
    'See that the old controller never runs again.',
    '',
    `Start the controller: ${run}`,
  ];
}
