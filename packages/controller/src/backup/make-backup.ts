import { TorchpassError, type Clock, type Files, type Random, type Secret } from '@torchpass/core';
import { createReadStream } from 'node:fs';
import { access, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VERSION } from '../version.ts';
import { KEPT_FILES, pack, type KeptFile, type Manifest } from './archive.ts';
import { encrypt } from './encrypt.ts';
import { describeSnapshot, takeSnapshot } from './snapshot.ts';

export interface BackupTools {
  files: Files;
  clock: Clock;
  random: Random;
}

export interface BackupOptions {
  storage: string;
  passphrase: Secret;
  /** A folder with room for a copy of the database; nothing is left there. */
  workIn: string;
}

const DATABASE: KeptFile = 'torchpass.db';

/**
 * Makes a backup, beside a running controller too, and gives its bytes to `take`. Nothing secret is on disk in between that was
 * not before: keys are sealed in the database already. `NOT_INITIALIZED`, `STORE_UNAVAILABLE`.
 */
export async function makeBackup(
  { storage, passphrase, workIn }: BackupOptions,
  { files, clock, random }: BackupTools,
  take: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Manifest> {
  await access(join(storage, DATABASE)).catch(() => {
    throw new TorchpassError('NOT_INITIALIZED', `There is no database in ${storage}.`, {
      hint: 'Name the storage of the controller with --storage.path or --config.file.',
    });
  });
  const folder = await mkdtemp(join(workIn, '.torchpass-backup-'));
  try {
    const snapshot = join(folder, DATABASE);
    const madeAt = clock.now();
    takeSnapshot(join(storage, DATABASE), snapshot);
    // Made once in the life of an installation, perhaps after the snapshot: then it is of no use to it, and does no harm.
    const key = await files.read(join(storage, 'controller-key.sealed'));
    const sizes = { [DATABASE]: (await stat(snapshot)).size, 'controller-key.sealed': key?.length };
    const described: Manifest = {
      format: 1,
      made_at: madeAt.toISOString(),
      version: VERSION,
      ...describeSnapshot(snapshot),
      files: KEPT_FILES.flatMap((name) => {
        const size = sizes[name];
        return size === undefined ? [] : [{ name, size }];
      }),
    };
    const content = (name: KeptFile): AsyncIterable<Uint8Array> =>
      name === DATABASE ? createReadStream(snapshot) : onePiece(key ?? Buffer.alloc(0));
    await take(encrypt(pack(described, content), passphrase, random));
    return described;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* onePiece(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}
