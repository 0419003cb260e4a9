import { once } from 'node:events';
import { createServer } from 'node:net';
import { reasonOf, systemCodeOf, TorchpassError } from '@torchpass/core';

/** Finds out before anything is started whether a port is free. `ADDRESS_IN_USE` names the flag that changes it. */
export async function requireFreePort(host: string, port: number, what: string, flag: string): Promise<void> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    const taken = systemCodeOf(error) === 'EADDRINUSE';
    throw new TorchpassError(
      'ADDRESS_IN_USE',
      `Port ${port} on ${host}, for ${what}, ${taken ? 'is taken by another program' : `cannot be used: ${reasonOf(error)}`}.`,
      {
        cause: error,
        hint: taken
          ? `Stop that program (ss -ltnp "sport = :${port}" shows it), or choose another port with ${flag}.`
          : `Choose another port with ${flag}.`,
      },
    );
  } finally {
    server.close();
  }
}
