import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, createSecureContext, type PeerCertificate, type SecureContext, type TLSSocket } from 'node:tls';
import { systemCodeOf, TorchpassError } from '@torchpass/core';
import { askOver, closed, describe } from './ask.ts';
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
  const socket = connect({
    host: options.connectTo ?? target.host,
    port: target.port,
    secureContext,
    servername: isIP(target.host) === 0 ? target.host : '',
    // Judged below, to know which certificate was served also when it is not accepted.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  const deadline = startDeadline(options.timeoutMs, options.signal);
  const proceed = () => {
    const served = servedOver(socket);
    // It left in the moment between.
    if (served === undefined) return closed(undefined);
    const serverSerial = normaliseSerial(served.serialNumber);
    return judge(socket, served, target, options) ?? askOver(socket, wanted, { ...options, serverSerial, deadline });
  };
  try {
    const outcome = (await handshake(socket, target, deadline, options)) ?? (await proceed());
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
function judge(
  socket: TLSSocket,
  served: X509Certificate,
  { host }: ProbeTarget,
  { trust }: ProbeOptions,
): ProbeOutcome | undefined {
  if (trust === undefined) return undefined;
  const why = socket.authorized ? hostMismatch(served, host) : verdictOf(socket.authorizationError);
  if (why === undefined) return undefined;
  const serverSerial = normaliseSerial(served.serialNumber);
  return { kind: 'untrusted', serverSerial, reason: `${host} is not trusted: ${why}.` };
}

/** Not getPeerX509Certificate: in Node.js 24.21 it answers only once for a connection, as it takes the leaf out of the chain. */
function servedOver(socket: TLSSocket): X509Certificate | undefined {
  const certificate = socket.getPeerCertificate() as Partial<PeerCertificate> | null;
  return certificate?.raw === undefined ? undefined : new X509Certificate(certificate.raw);
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
