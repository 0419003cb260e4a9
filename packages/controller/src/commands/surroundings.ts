import { createLogger, nodeFiles, systemClock, systemRandom, type Logger } from '@torchpass/core';
import { lookup } from 'node:dns/promises';
import { findGroup, ownerForReader } from '../config/accounts.ts';
import { loadConfig, type Config } from '../config/load.ts';
import { refuseLoose } from '../config/permissions.ts';
import { findChangeable } from '../config/trusted-file.ts';
import type { Surroundings } from '../surroundings.ts';
import { tokenKeys } from '../issuance/pkcs11/open.ts';
import type { Flags } from './flags.ts';

export type Base = Omit<Surroundings, 'passphrase'>;

/** Configuration, clock, files and the rest, as they really are on this machine. */
export async function realSurroundings(flags: Flags): Promise<Base> {
  const config = await loadConfig(flags['config.file'], {
    storage_path: flags['storage.path'],
    listen_address: flags.listenAddress,
    advertise_address: flags.advertiseAddress,
    admin_listen_address: flags['web.listenAddress'],
    log_level: flags['log.level'],
    log_format: flags['log.format'],
  });
  const { pkcs11 } = config.authorities;
  // Before anything loads it: its code would run with the keys. What cannot be looked at cannot be loaded either, which is told then.
  if (pkcs11 !== undefined) refuseLoose(await findChangeable(pkcs11.module).catch(() => []));
  const { user } = config.prometheus;
  const { socket_group: group } = config.admin;
  return {
    config,
    prometheusOwner: user === undefined ? undefined : await ownerForReader(user, 'prometheus.user'),
    socketGroup: group === undefined ? undefined : await findGroup(group, 'admin.socket_group'),
    token: tokenKeys(config, systemClock),
    clock: systemClock,
    random: systemRandom,
    files: nodeFiles(),
    logger: loggerOf(config),
    resolve: resolveAll,
  };
}

function loggerOf({ log }: Config): Logger {
  return createLogger(log);
}

/** All addresses of a name as programs on this machine see them, /etc/hosts included: what Prometheus would dial. */
async function resolveAll(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true });
  return found.map(({ address }) => address);
}
