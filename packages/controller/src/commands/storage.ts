import { TorchpassError } from '@torchpass/core';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/load.ts';

/** Path of the database of a storage that `init` made. NOT_INITIALIZED. */
export async function demandStorage({ storage_path: storage }: Pick<Config, 'storage_path'>): Promise<string> {
  const path = join(storage, 'torchpass.db');
  await access(path).catch(() => {
    throw new TorchpassError('NOT_INITIALIZED', `There is no controller in ${storage} yet.`, {
      hint: `Run: torchpass-controller init --storage.path=${storage}`,
    });
  });
  return path;
}
