import { connect, type TLSSocket } from 'node:tls';
import { text } from 'node:stream/consumers';
import type { Scope } from './scope.ts';
import { TRUST, type ClientTls } from './tls-files.ts';

export interface HammerOptions {
  host: string;
  port: number;
  /** A function is asked before each connection, for files that are renewed meanwhile. */
  tls: ClientTls | (() => Promise<ClientTls>);
  /** How many connections at once; 4 unless given. */
  workers?: number;
  path?: string;
  headers?: Record<string, string>;
}

export interface Tally {
  successes: number;
  failures: number;
  /** Of the first failures only. */
  reasons: string[];
  /** Serial numbers of the certificates that the successes were served with, lower-case hex. */
  serials: Set<string>;
}

export interface Hammer {
  readonly tally: Tally;
  /** Lets every worker finish the connection it is at. */
  stop(): Promise<Tally>;
}

const REASONS_KEPT = 10;
const CONNECTION_MS = 10_000;

/**
 * Makes full TLS 1.3 handshakes without pause: each connection is new, none resumes a session, and each counts
 * as a success only with the whole answer 200. With TLS 1.3 a server's refusal of the client comes after the client's part
 * of the handshake, so nothing less than an answer proves that it was let in.
 */
export function startHammer(scope: Scope, options: HammerOptions): Hammer {
  const tally: Tally = { successes: 0, failures: 0, reasons: [], serials: new Set() };
  const stopping = new AbortController();
  const work = async () => {
    while (!stopping.signal.aborted) {
      try {
        tally.serials.add(await scrapeOnce(options));
        tally.successes += 1;
      } catch (error) {
        tally.failures += 1;
        if (tally.reasons.length < REASONS_KEPT)
          tally.reasons.push(error instanceof Error ? error.message : String(error));
      }
    }
  };
  const workers = Array.from({ length: options.workers ?? 4 }, work);
  const hammer = {
    tally,
    async stop() {
      stopping.abort();
      await Promise.all(workers);
      return tally;
    },
  };
  scope.defer(async () => void (await hammer.stop()));
  return hammer;
}

/**
 * One connection, one handshake, one GET: the serial number of the server's certificate. Rejects with the reason when it is
 * not answered with 200.
 */
export async function scrapeOnce({ host, port, tls, path = '/metrics', headers = {} }: HammerOptions): Promise<string> {
  const identity = typeof tls === 'function' ? await tls() : tls;
  const socket = connect({ host, port, minVersion: 'TLSv1.3', ...TRUST, ...identity });
  let serial = '';
  socket.once('secureConnect', () => (serial = socket.getPeerCertificate().serialNumber.toLowerCase()));
  socket.setTimeout(CONNECTION_MS, () => socket.destroy(new Error(`no answer within ${CONNECTION_MS} ms`)));
  try {
    const extra = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n${extra.join('')}\r\n`);
    const answer = await text(socket);
    if (resumed(socket)) throw new Error('the session was resumed');
    const status = answer.slice(0, answer.indexOf('\r\n'));
    if (!/^HTTP\/1\.1 200\b/.test(status)) throw new Error(status === '' ? 'closed without an answer' : status);
    return serial;
  } finally {
    socket.destroy();
  }
}

function resumed(socket: TLSSocket): boolean {
  return socket.isSessionReused();
}
