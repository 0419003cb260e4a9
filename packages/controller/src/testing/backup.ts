import type { Finding } from '../checks/finding.ts';
import { Secret } from '@torchpass/core';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { operatorHere } from '../audit/actor.ts';
import type { Manifest } from '../backup/archive.ts';
import { makeBackup } from '../backup/make-backup.ts';
import { restore, type RestoreOptions } from '../backup/restore.ts';
import { inspect } from '../commands/check.ts';
import { readPassphrase } from '../config/passphrase.ts';
import { labPassphrase, labSurroundings, temporaryFolder, type LabSurroundings } from './surroundings.ts';

export const BACKUP_PASSPHRASE = new Secret('only for backups');

export interface LabBackup {
  bytes: Buffer;
  manifest: Manifest;
}

export async function backUp(lab: LabSurroundings): Promise<LabBackup> {
  const chunks: Uint8Array[] = [];
  const options = { storage: lab.config.storage_path, passphrase: BACKUP_PASSPHRASE, workIn: temporaryFolder() };
  const manifest = await makeBackup(options, lab, async (bytes) => {
    for await (const chunk of bytes) chunks.push(chunk);
  });
  return { bytes: Buffer.concat(chunks), manifest };
}

export async function* pieces(bytes: Uint8Array, size = 50_000): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Another machine: a folder of its own, with nothing but the passphrase, at the time that the lost one had. */
export async function otherMachine(
  lab: LabSurroundings,
  change: Partial<LabSurroundings> = {},
): Promise<LabSurroundings> {
  const other = { ...(await labSurroundings({ clock: lab.clock })), ...change };
  const passphrase = await readPassphrase(labPassphrase(lab));
  const path = other.config.authorities.passphrase_file;
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  await writeFile(path, passphrase.reveal(), { mode: 0o600 });
  return other;
}

export async function restoreOn(other: LabSurroundings, bytes: Uint8Array, change: Partial<RestoreOptions> = {}) {
  const options = {
    storage: other.config.storage_path,
    backup: pieces(bytes),
    passphrases: { backup: BACKUP_PASSPHRASE, installation: await readPassphrase(labPassphrase(other)) },
    trustDomain: other.config.trust_domain,
    identityLifetimeMs: other.config.certificates.identity_lifetime,
    revoke: [],
    by: operatorHere('olga'),
  };
  return restore({ ...options, ...change }, other);
}

/** The system refuses after the first piece. */
export async function* cutBy(code: string, data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const piece of data) {
    yield piece;
    throw Object.assign(new Error(`${code}: no space left on device, write`), { code });
  }
}

/** The errors that `torchpass-controller check` finds in a storage. */
export async function checked(machine: LabSurroundings): Promise<Finding[]> {
  const { findings } = await inspect(machine, labPassphrase(machine));
  return findings.filter(({ severity }) => severity === 'error');
}
