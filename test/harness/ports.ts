import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

const given = new Set<number>();

/** A port that nobody listens on at `address`, and that this process has not been given before. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  for (;;) {
    const server = createServer();
    server.listen(0, address);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}
