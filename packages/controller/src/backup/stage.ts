import { reasonOf, type Clock, type Files, type Secret } from '@torchpass/core';
import { sql } from 'kysely';
import { join } from 'node:path';
import { createAudit, type Audit } from '../audit/audit.ts';
import { verifyLog } from '../audit/verify.ts';
import { openAuthorities, type Authorities } from '../issuance/authorities.ts';
import type { TokenKeys } from '../issuance/pkcs11/open.ts';
import { openStore, type Store } from '../store/store.ts';
import { unpack, type Manifest } from './archive.ts';
import { decrypt } from './encrypt.ts';
import { brokenBackup } from './header.ts';

export interface Staged {
  manifest: Manifest;
  store: Store;
  authorities: Authorities;
  audit: Audit;
  /** What is wrong with the audit log, as a sentence. */
  auditFault: string | undefined;
}

export interface StageOptions {
  backup: AsyncIterable<Uint8Array>;
  /** That of the backup, and that of the installation. */
  passphrases: { backup: Secret; installation: Secret };
  /** An empty folder of our own. */
  folder: string;
}

export interface StageTools {
  files: Files;
  clock: Clock;
  /** Where keys are that are not in the database. */
  token?: TokenKeys | undefined;
}

/**
 * Unpacks a backup into a folder, looks whether it is whole and opens with the passphrase, and lets `work` have it. The database
 * is closed, in one file, when this resolves. `BACKUP_BROKEN`, `PASSPHRASE_WRONG`, `STORE_NEWER`.
 */
export async function stage<T>(
  { backup, passphrases, folder }: StageOptions,
  { files, clock, token }: StageTools,
  work: (staged: Staged) => Promise<T>,
): Promise<T> {
  const manifest = await unpack(decrypt(backup, passphrases.backup), (name, data) =>
    files.write(join(folder, name), { data, mode: 0o600 }),
  );
  if (!manifest.files.some(({ name }) => name === 'torchpass.db')) throw brokenBackup('it has no database');
  const store = await openStore({ path: join(folder, 'torchpass.db'), clock });
  try {
    await checkIntegrity(store);
    const authorities = await openAuthorities(store, passphrases.installation, { token });
    const sealed = await files.read(join(folder, 'controller-key.sealed'));
    if (sealed !== undefined) authorities.sealing.unseal(sealed.toString('utf8'), 'controller key');
    const key = authorities.sealing.derive('audit log');
    const { fault } = await verifyLog(store, key);
    return await work({
      manifest,
      store,
      authorities,
      audit: createAudit({ key, clock }),
      auditFault: fault?.sentence,
    });
  } finally {
    await store.destroy();
  }
}

async function checkIntegrity(store: Store): Promise<void> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(store);
  const broken = rows.find(({ integrity_check }) => integrity_check !== 'ok')?.integrity_check;
  if (broken !== undefined) throw brokenBackup(`its database is damaged (${broken.slice(0, 200)})`);
  const foreign = await sql`pragma foreign_key_check`.execute(store).catch((error: unknown) => {
    throw brokenBackup(`its database is damaged (${reasonOf(error)})`, error);
  });
  if (foreign.rows.length > 0) throw brokenBackup('its database refers to what is not in it');
}
