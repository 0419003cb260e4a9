import { once } from 'node:events';
import { chmod, chown, lstat, rm } from 'node:fs/promises';
import { connect, type ListenOptions, type Server } from 'node:net';
import { formatHostPort, reasonOf, systemCodeOf, TorchpassError, type HostPort } from '@torchpass/core';

export interface UnixListenOptions {
  path: string;
  /** The group that may connect; the process's own when absent. */
  gid?: number | undefined;
}

const SOCKET_MODE = 0o660;
const CLOSED_TO_OTHERS = 0o177;

/**
 * Listens on a Unix socket that only its owner and one group can open. A socket left behind by a process that died is
 * replaced; one that answers is not.
 *
 * @throws ALREADY_RUNNING, FILE_UNWRITABLE
 */
export async function listenUnix(server: Server, { path, gid }: UnixListenOptions): Promise<void> {
  await removeStaleSocket(path);
  try {
    // Bound closed to everyone else, before it is given its group: nobody slips in between.
    const umask = process.umask(CLOSED_TO_OTHERS);
    try {
      server.listen({ path });
    } finally {
      process.umask(umask);
    }
    await listening(server);
    if (gid !== undefined) await chown(path, -1, gid);
    await chmod(path, SOCKET_MODE);
  } catch (error) {
    server.close();
    throw cannotListen(path, error);
  }
}

/** @throws ADDRESS_IN_USE, CONFIG_INVALID; `setting` is what the operator changes, for the next step. */
export async function listenTcp(server: Server, { host, port }: HostPort, setting: string): Promise<void> {
  // Left to Node.js, `::` is both families, or IPv4 alone where IPv6 is off.
  const options: ListenOptions = host === '::' ? { port } : { host, port };
  try {
    server.listen(options);
    await listening(server);
  } catch (error) {
    const address = formatHostPort({ host, port });
    const hint = `Choose another address with ${setting}.`;
    switch (systemCodeOf(error)) {
      case 'EADDRINUSE':
        throw new TorchpassError('ADDRESS_IN_USE', `Another program already listens on ${address}.`, {
          cause: error,
          hint: `Stop it, or choose another address with ${setting}.`,
        });
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        throw new TorchpassError('CONFIG_INVALID', `This machine has no address ${host} to listen on.`, {
          cause: error,
          hint,
        });
      case 'EACCES':
        throw new TorchpassError('CONFIG_INVALID', `This process may not listen on ${address}.`, {
          cause: error,
          hint,
        });
      default:
        throw new TorchpassError('CONFIG_INVALID', `Cannot listen on ${address}: ${reasonOf(error)}.`, {
          cause: error,
          hint,
        });
    }
  }
}

async function listening(server: Server): Promise<void> {
  if (!server.listening) await once(server, 'listening');
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw cannotListen(path, error);
  });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new TorchpassError('FILE_UNWRITABLE', `There is something at ${path} that is not a socket.`, {
      hint: 'Remove it, or choose another path for the socket.',
    });
  }
  if (await answers(path)) {
    throw new TorchpassError('ALREADY_RUNNING', `A controller already answers at ${path}.`, {
      hint: 'Stop it first, or choose another path for the socket.',
    });
  }
  await rm(path, { force: true });
}

/** Only a refused connection shows that nobody listens; anything else, such as a full queue, counts as alive. */
async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    return !['ECONNREFUSED', 'ENOENT'].includes(systemCodeOf(error) ?? '');
  } finally {
    socket.destroy();
  }
}

function cannotListen(path: string, error: unknown): TorchpassError {
  const hint = ['ENOENT', 'EACCES', 'ENOTDIR'].includes(systemCodeOf(error) ?? '')
    ? 'Make its folder, writable for the user that the controller runs as.'
    : 'Choose another path for the socket; it can have about 100 characters.';
  return new TorchpassError('FILE_UNWRITABLE', `Cannot listen on the socket ${path}: ${reasonOf(error)}.`, {
    cause: error,
    hint,
  });
}
