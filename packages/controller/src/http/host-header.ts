import { canonicalIp, TorchpassError } from '@torchpass/core';
import type { FastifyInstance } from 'fastify';

/**
 * Refuses requests whose Host is not this server's: a web page that had its own name resolve to our address (DNS rebinding)
 * could otherwise read us through the operator's browser. Loopback names and addresses always pass, `names` besides.
 */
export function requireOwnHost(app: FastifyInstance, names: readonly string[]): void {
  const allowed = new Set(names.map(canonical));
  app.addHook('onRequest', async (request) => {
    const host = canonical(hostOf(request.headers.host ?? ''));
    if (isLoopback(host) || allowed.has(host)) return;
    throw new TorchpassError('REQUEST_INVALID', 'The Host header names another server.', {
      hint: 'Use the address that the controller listens on.',
    });
  });
}

/** The host of `host`, `host:port` and `[v6]:port`; empty when it is none of these. */
function hostOf(header: string): string {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(header);
  return match?.[1] ?? match?.[2] ?? '';
}

function canonical(host: string): string {
  const name = host.toLowerCase();
  return canonicalIp(name) ?? name;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (canonicalIp(host) !== undefined && host.startsWith('127.'));
}
