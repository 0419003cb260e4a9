import { TorchpassError, type Secret } from '@torchpass/core';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Actor } from '../audit/actor.ts';
import { checkTrustDomain } from '../issuance/authorities.ts';
import { takeInstanceLock } from '../store/instance-lock.ts';
import { KEPT_FILES, type Manifest } from './archive.ts';
import { openEpoch, type Opened } from './epoch.ts';
import { stage, type StageTools } from './stage.ts';

export interface RestoreOptions {
  storage: string;
  backup: AsyncIterable<Uint8Array>;
  passphrases: { backup: Secret; installation: Secret };
  /** As configured on this machine. */
  trustDomain: string;
  identityLifetimeMs: number;
  revoke: readonly string[];
  by: Actor;
}

export interface Restored extends Opened {
  manifest: Manifest;
  auditFault: string | undefined;
}

/** Where a restore prepares what it puts in place, inside of the storage folder: the same file system. */
export const STAGING = '.restore';

/** A database, or what one leaves: its journal must never meet another database. */
const IN_THE_WAY = ['', '-wal', '-shm', '-journal'].map((suffix) => `torchpass.db${suffix}`);

/**
 * Puts an installation back where there is none. All is prepared and checked beside; the rename of the database, which
 * comes last, makes it an installation. After a crash there is none, and it can be done again. `ALREADY_INITIALIZED`.
 */
export async function restore(
  { storage, trustDomain, identityLifetimeMs, revoke, by, ...options }: RestoreOptions,
  tools: StageTools,
): Promise<Restored> {
  const { files, clock } = tools;
  refuseExisting(storage);
  await files.makeFolder(storage, { mode: 0o711 });
  const lock = takeInstanceLock(join(storage, 'controller.lock'));
  const folder = join(storage, STAGING);
  try {
    refuseExisting(storage);
    await files.remove(folder);
    await files.makeFolder(folder, { mode: 0o700 });
    const restored = await stage({ ...options, folder }, tools, async (staged) => {
      const { manifest, auditFault, store, audit } = staged;
      checkTrustDomain(staged.authorities.trustDomain, trustDomain);
      const epoch = { manifest, revoke, identityLifetimeMs, auditFault, by };
      return { manifest, auditFault, ...(await openEpoch({ store, audit, clock }, epoch)) };
    });
    for (const name of KEPT_FILES.toReversed())
      if (existsSync(join(folder, name))) await files.move(join(folder, name), join(storage, name));
    await files.remove(folder);
    return restored;
  } catch (error) {
    // Not after a crash, of course; the next restore then does it.
    if (error instanceof TorchpassError && !existsSync(join(storage, 'torchpass.db'))) await files.remove(folder);
    throw error;
  } finally {
    lock.release();
  }
}

function refuseExisting(storage: string): void {
  const found = IN_THE_WAY.find((name) => existsSync(join(storage, name)));
  if (found === undefined) return;
  throw new TorchpassError(
    'ALREADY_INITIALIZED',
    `There is an installation in ${storage} (${found}); a restore never overwrites one.`,
    {
      hint: 'Move that folder away, or give another one with --storage.path.',
    },
  );
}

/** `RESTORE_UNFINISHED` where a restore was interrupted: what it left must not become part of another installation. */
export function refuseUnfinished(storage: string): void {
  if (!existsSync(join(storage, STAGING))) return;
  throw new TorchpassError('RESTORE_UNFINISHED', `A restore into ${storage} was interrupted.`, {
    hint: `Run the restore again. To give it up: remove ${join(storage, STAGING)} and ${join(storage, 'controller-key.sealed')}.`,
  });
}
