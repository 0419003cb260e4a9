import { TorchpassError, type Secret } from '@torchpass/core';
import { join } from 'node:path';
import type { Actor } from '../audit/actor.ts';
import { createAudit } from '../audit/audit.ts';
import { openAuthorities } from '../issuance/authorities.ts';
import { changeAuthority } from '../issuance/authority-rows.ts';
import { unsealForExport } from '../issuance/key-store.ts';
import { openRootFile, renderRootFile } from '../rotation/root-file.ts';
import { takeInstanceLock } from '../store/instance-lock.ts';
import { openStore } from '../store/store.ts';
import { demandStorage } from './storage.ts';
import type { Base } from './surroundings.ts';

interface Passphrases {
  /** Of the authorities. */
  own: Secret;
  /** For the file. */
  file: Secret;
}

/**
 * The work of `ca export-root`: puts the root's key into a file of its own, reads that back, and only then removes the key
 * from the database: closing that, as its only user, empties the write-ahead log. Answers what to tell the operator.
 */
export async function exportRoot(base: Base, path: string, { own, file }: Passphrases, by: Actor): Promise<string[]> {
  const { config, clock, files, random } = base;
  const database = await demandStorage(config);
  const lock = takeInstanceLock(join(config.storage_path, 'controller.lock'));
  try {
    const store = await openStore({ path: database, clock, wrap: base.seams?.wrapDialect });
    try {
      const authorities = await openAuthorities(store, own, { token: base.token });
      const { id, certificate, keyReference } = authorities.activeRoot();
      if (keyReference === '') {
        throw new TorchpassError(
          'NOT_FOUND',
          "The root's key is not in this database any more: it was exported before.",
        );
      }
      if ((await files.read(path)) !== undefined) {
        throw new TorchpassError('FILE_UNWRITABLE', `There is something at ${path} already.`, {
          hint: 'Name a new file.',
        });
      }
      const key = unsealForExport(authorities.sealing, keyReference, id);
      const { trustDomain } = authorities;
      await files.write(path, {
        data: await renderRootFile({ trustDomain, certificate, key }, file, random),
        mode: 0o600,
      });
      const written = await openRootFile((await files.read(path))?.toString('utf8') ?? '', file);
      if (!written.certificate.equals(certificate)) throw new TorchpassError('INTERNAL', 'The file has another root.');

      const audit = createAudit({ key: authorities.sealing.derive('audit log'), clock });
      await store.transaction().execute(async (transaction) => {
        await changeAuthority(transaction, authorities.authentic, id, { key_reference: '' });
        await audit.record(transaction, { event: 'root.exported', by, subject: id });
      });
      return [
        `The key of the root ${id} is in ${path}, and not in the database any more.`,
        'Take the file to a place that is not on this machine, with its passphrase in another; make two copies of each.',
        'Backups that were made before still have the key: remove them, or keep them as well as the file.',
      ];
    } finally {
      await store.destroy();
    }
  } finally {
    lock.release();
  }
}
