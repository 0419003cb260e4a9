import { formatHostPort } from '@torchpass/core';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { TorchpassError } from '@torchpass/core';
import { passphraseSource, readPassphrase } from '../config/passphrase.ts';
import { startController } from '../context.ts';
import { VERSION } from '../version.ts';
import type { Flags } from './flags.ts';
import { realSurroundings } from './surroundings.ts';

/** Serves until it is told to stop. */
export async function run(flags: Flags): Promise<void> {
  const base = await realSurroundings(flags);
  const { config, logger } = base;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal));
  await access(join(config.storage_path, 'torchpass.db')).catch(() => {
    throw new TorchpassError('NOT_INITIALIZED', `There is no controller in ${config.storage_path} yet.`, {
      hint: `Run: torchpass-controller init --storage.path=${config.storage_path}`,
    });
  });
  const passphrase = await readPassphrase(passphraseSource(config.authorities.passphrase_file, process.env));
  const controller = await startController({ ...base, passphrase });
  logger.info('controller is ready', {
    version: VERSION,
    agents: formatHostPort(controller.publicAddress),
    socket: config.admin.socket,
    web: formatHostPort(config.admin.listen_address),
    prometheus: config.prometheus.folder,
  });
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  logger.info('controller is stopping', { signal: String(stop.signal.reason) });
  await controller.close();
}
