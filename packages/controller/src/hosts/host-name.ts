import { checkName, TorchpassError } from '@torchpass/core';

/** Prometheus's own web certificate lives under this host, so no agent may have the name. */
export const CONTROLLER_HOST = 'controller';

export function checkHostName(name: string): string {
  checkName('host', name);
  if (name !== CONTROLLER_HOST) return name;
  throw new TorchpassError('NAME_INVALID', `"${CONTROLLER_HOST}" is reserved and cannot be the name of a host.`, {
    hint: 'Choose another name with --host-name.',
  });
}
