import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { systemCodeOf, TorchpassError } from '@torchpass/core';
import { askOver, describe } from './ask.ts';
import { type Deadline, onAbort, startDeadline } from './deadline.ts';
import { type ProbeOptions, type ProbeOutcome, type ProbeTarget, requestFor } from './probe-options.ts';
import { normaliseSerial } from './serial.ts';
import { hostMismatch, verdictOf } from './verify.ts';

/**
 * One scrape from outside, dialled exactly as Prometheus does: GET over TLS 1.2 or 1.3, the host verified as Go does, no
 * redirect followed, no session resumed, a bounded number of bytes, one deadline over everything, and no socket left.
 *
 * With TLS 1.3 our handshake ends before the server judges our certificate: a refusal shows only when we read.
 *
 * @throws CERTIFICATE_INVALID when the given PEM cannot be used; ADDRESS_INVALID; the signal's reason
 */
export async function probeTls(target: ProbeTarget, options: ProbeOptions): Promise<ProbeOutcome> {
  const wanted = requestFor(target);
  const secureContext = contextOf(options);
  options.signal?.throwIfAborted();
  const deadline = startDeadline(options.timeoutMs, options.signal);
  const socket = connect({
    host: options.connectTo ?? target.host,
    port: target.port,
    secureContext,
    servername: isIP(target.host) === 0 ? target.host : '',
    // Judged below, to know which certificate was served also when it is not accepted.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  try {
    const early = await handshake(socket, target, deadline, options);
    const outcome =
      early ??
      judge(socket, target, options) ??
      (await askOver(socket, wanted, { ...options, serverSerial: serialOf(socket), deadline }));
    options.signal?.throwIfAborted();
    return outcome;
  } finally {
    deadline.clear();
    socket.destroy();
  }
}

/** Undefined when it succeeded. */
function handshake(
  socket: TLSSocket,
  target: ProbeTarget,
  deadline: Deadline,
  { timeoutMs }: ProbeOptions,
): Promise<ProbeOutcome | undefined> {
  const place = `${target.host} port ${target.port}`;
  return new Promise((resolve) => {
    // Stays for the socket's whole life: a late error must not end the process.
    socket.on('error', (error) => resolve(handshakeFailure(socket, error)));
    socket.once('secureConnect', () => resolve(undefined));
    socket.once('close', () => resolve({ kind: 'unreachable', reason: `${place} closed the connection.` }));
    onAbort(deadline, () => resolve({ kind: 'unreachable', reason: `${place} did not finish in ${timeoutMs} ms.` }));
  });
}

function handshakeFailure(socket: TLSSocket, error: Error): ProbeOutcome {
  const code = systemCodeOf(error) ?? '';
  const reason = `The connection failed: ${describe(error)}.`;
  // Before its first byte a server cannot have judged us.
  const spoke = socket.bytesRead > 0;
  const refused = /ALERT/u.test(code) || (spoke && (code === 'ECONNRESET' || code === 'EPIPE'));
  return refused ? { kind: 'refused', serverSerial: undefined, reason } : { kind: 'unreachable', reason };
}

/** Undefined when the server is the one we mean, or nothing was to be verified. */
function judge(socket: TLSSocket, { host }: ProbeTarget, { trust }: ProbeOptions): ProbeOutcome | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined)
    return { kind: 'untrusted', serverSerial: undefined, reason: 'It shows no certificate.' };
  if (trust === undefined) return undefined;
  const why = socket.authorized ? hostMismatch(certificate, host) : verdictOf(socket.authorizationError);
  return why === undefined
    ? undefined
    : { kind: 'untrusted', serverSerial: serialOf(socket), reason: `${host} is not trusted: ${why}.` };
}

function serialOf(socket: TLSSocket): string {
  return normaliseSerial(socket.getPeerX509Certificate()?.serialNumber ?? '');
}

function contextOf({ trust, client }: ProbeOptions): SecureContext {
  try {
    return createSecureContext({
      minVersion: 'TLSv1.2',
      // Never the system's authorities.
      ca: trust === undefined ? [] : [trust],
      allowPartialTrustChain: true,
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
    });
  } catch (error) {
    throw new TorchpassError('CERTIFICATE_INVALID', 'The certificate or key to probe with cannot be used.', {
      cause: error,
    });
  }
}
