import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isTorchpassError, reasonOf, systemCodeOf, TorchpassError } from '@torchpass/core';

const RUNNING = 'Is the controller running (systemctl status torchpass-controller)?';
const WHICH = 'Another socket is named with --socket or TORCHPASS_SOCKET.';

/** Why the controller could not be asked, with what to do next. `connected`: whether it had taken the call. */
export async function unreachable(error: unknown, socketPath: string, connected: boolean): Promise<TorchpassError> {
  if (isTorchpassError(error)) return error;
  const say = (message: string, hint: string) =>
    new TorchpassError('CONTROLLER_UNREACHABLE', message, { cause: error, hint });
  if (connected) {
    return say(
      `The controller at ${socketPath} did not answer to the end: ${reasonOf(error)}.`,
      'Whether it did what was asked is not known: look before you repeat it. Its log says more.',
    );
  }
  switch (systemCodeOf(error)) {
    case 'ENOENT':
      return say(`There is no controller's socket at ${socketPath}.`, `${RUNNING} ${WHICH}`);
    case 'ECONNREFUSED':
      return say(`Nobody listens on the socket ${socketPath}.`, `${RUNNING} ${WHICH}`);
    case 'EACCES':
    case 'EPERM':
      return say(`You may not open the controller's socket ${socketPath}.`, await whoMay(socketPath));
    default:
      return say(`The controller's socket ${socketPath} cannot be opened: ${reasonOf(error)}.`, `${RUNNING} ${WHICH}`);
  }
}

/** Who may open the socket: the group of what bars the way, the socket itself or else a folder above it. */
async function whoMay(path: string): Promise<string> {
  for (let barrier = path; ; barrier = dirname(barrier)) {
    const found = await stat(barrier).catch(() => undefined);
    if (found !== undefined) return joinGroup(await readFile('/etc/group', 'utf8').catch(() => ''), found.gid);
    if (dirname(barrier) === barrier) return 'Run it as root.';
  }
}

/** The advice for one who is not in group `gid`; `groups` is the text of /etc/group. */
export function joinGroup(groups: string, gid: number): string {
  const lines = groups.split('\n').map((line) => line.split(':'));
  const name = lines.find(([, , id]) => id === String(gid))?.[0];
  if (gid === 0 || name === undefined) return 'Run it as root.';
  return `Run it as root, or join the group "${name}" (usermod --append --groups ${name} USER) and log in again.`;
}
