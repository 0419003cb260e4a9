import { formatHostPort } from '@torchpass/core';
import { once } from 'node:events';
import { passphraseSource, readPassphrase } from '../config/passphrase.ts';
import { refuseLoose } from '../config/permissions.ts';
import { startController } from '../context.ts';
import { VERSION } from '../version.ts';
import type { Flags } from './flags.ts';
import { findLoose } from './loose-paths.ts';
import { demandStorage } from './storage.ts';
import { realSurroundings } from './surroundings.ts';
import { personAtTerminal } from './terminal.ts';

/** Serves until it is told to stop. */
export async function run(flags: Flags): Promise<void> {
  const base = await realSurroundings(flags);
  const { config, logger } = base;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal));
  await demandStorage(config);
  refuseLoose(await findLoose(config));
  const passphrase = await readPassphrase(passphraseSource(config, process.env, personAtTerminal()));
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
