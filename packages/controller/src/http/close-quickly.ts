import type { FastifyInstance } from 'fastify';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** For answers that are under way when the program stops, in milliseconds. */
const GRACE_MS = 5000;

/**
 * Makes closing wait for answers that are under way and for nothing else. Node.js also waits for connections that never
 * asked anything, until they run out of time.
 */
export function closeQuickly(app: FastifyInstance, server: Server): void {
  const quiet = new Set<Socket>();
  let closing = false;
  server.on('connection', (socket) => {
    if (closing) return void socket.destroy();
    quiet.add(socket);
    socket.once('close', () => quiet.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    quiet.delete(socket);
    response.once('close', () => {
      if (closing) socket.destroySoon();
      else if (!socket.destroyed) quiet.add(socket);
    });
  });
  app.addHook('preClose', async () => {
    closing = true;
    for (const socket of quiet) socket.destroy();
    setTimeout(() => server.closeAllConnections(), GRACE_MS).unref();
  });
}
