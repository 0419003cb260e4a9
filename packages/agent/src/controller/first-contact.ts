import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { type Clock, formatHostPort, type HostPort, reasonOf, TorchpassError } from '@torchpass/core';
import { describeCertificate, pinOf } from '@torchpass/pki';
import { pemOf } from '../identity/certificate-pair.ts';
import { checkController, type ControllerTrust, peerChain } from './trust.ts';

const LONGEST_MS = 10_000;

/**
 * Looks at who answers before anything secret is said: a TLS handshake, and nothing after it. The chain that the
 * controller shows ends in its root; the root has to be one that the join token pins.
 *
 * Errors: CONTROLLER_UNREACHABLE, PIN_MISMATCH, CERTIFICATE_UNTRUSTED.
 */
export async function firstContact(
  address: HostPort,
  pins: readonly Buffer[],
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<ControllerTrust> {
  const name = formatHostPort(address);
  const chain = await shownBy(address, name, signal);
  const root = chain.find(({ raw }) => pins.some((pin) => pin.equals(pinOf(raw))));
  if (root === undefined) {
    throw new TorchpassError(
      'PIN_MISMATCH',
      `What answers at ${name} is not the controller that made this join token: none of its certificates has a key that the token pins.`,
      {
        hint:
          'The secret of the token was not sent. Check the address; if it is right, somebody may be between this host and ' +
          'the controller, or the token is from another installation.',
      },
    );
  }
  const trustDomain = describeCertificate(chain[0]?.raw ?? root.raw).spiffeId?.trustDomain ?? '';
  const trust = { rootsPem: pemOf([root]), trustDomain };
  checkController(chain, trust, name, clock);
  return trust;
}

async function shownBy(
  { host, port }: HostPort,
  name: string,
  signal: AbortSignal | undefined,
): Promise<X509Certificate[]> {
  signal?.throwIfAborted();
  const limit = AbortSignal.timeout(LONGEST_MS);
  const socket = connect({
    host,
    port,
    // Judged by the pin, right after the handshake.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
  });
  try {
    await once(socket, 'secureConnect', { signal: signal === undefined ? limit : AbortSignal.any([limit, signal]) });
    return peerChain(socket.getPeerCertificate(true));
  } catch (error) {
    signal?.throwIfAborted();
    const why = limit.aborted ? `no answer within ${LONGEST_MS / 1000} seconds` : reasonOf(error);
    throw new TorchpassError('CONTROLLER_UNREACHABLE', `The controller at ${name} cannot be reached: ${why}.`, {
      cause: error,
      hint: 'Check the address, the port and the firewalls between.',
    });
  } finally {
    socket.destroy();
  }
}
