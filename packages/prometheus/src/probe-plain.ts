import { request } from 'node:http';
import { connect } from 'node:net';
import { startDeadline } from './deadline.ts';
import { type PlainOutcome, type PlainProbeOptions, type ProbeTarget, requestFor } from './probe-options.ts';

/** What servers that want TLS say to plain HTTP: Go "Client sent an HTTP request to an HTTPS server", nginx and Apache alike. */
const WANTS_TLS = 400;

/**
 * Whether an exporter answers without TLS. Any HTTP status but 400 is an opening: metrics, 401 and redirects, but
 * also 404 or 500, which only something that speaks plain HTTP can say. Nothing of the body is read.
 *
 * @throws ADDRESS_INVALID; the signal's reason
 */
export async function probePlain(target: ProbeTarget, options: PlainProbeOptions): Promise<PlainOutcome> {
  const wanted = requestFor(target);
  options.signal?.throwIfAborted();
  const deadline = startDeadline(options.timeoutMs, options.signal);
  const socket = connect({ host: options.connectTo ?? target.host, port: target.port });
  try {
    const outcome = await new Promise<PlainOutcome>((resolve) => {
      let connected = false;
      const failed = () => resolve(connected ? 'refused' : 'unreachable');
      socket.once('connect', () => (connected = true));
      socket.on('error', failed);
      const outgoing = request({ ...wanted, createConnection: () => socket });
      outgoing.on('error', failed);
      outgoing.on('close', failed);
      outgoing.on('upgrade', () => resolve('open'));
      outgoing.on('response', ({ statusCode }) => resolve(statusCode === WANTS_TLS ? 'refused' : 'open'));
      deadline.signal.addEventListener('abort', () => resolve('unreachable'), { once: true });
      outgoing.end();
    });
    options.signal?.throwIfAborted();
    return outcome;
  } finally {
    deadline.clear();
    socket.destroy();
  }
}
