import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import type { Scope } from './scope.ts';

/** A restart command for an agent's configuration: it has `restart` called in this process, and ends when that is done. */
export async function startRestarter(scope: Scope, restart: () => Promise<void>): Promise<string[]> {
  const server = createServer((_request, response) => {
    restart().then(
      () => response.end(),
      () => response.destroy(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const script = `const r = await fetch('http://127.0.0.1:${port}'); process.exit(r.ok ? 0 : 1);`;
  return [process.execPath, '--input-type=module', '-e', script];
}
