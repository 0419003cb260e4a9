import type { Clock, Logger } from '@torchpass/core';
import { createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { KnownAddresses } from '../hosts/known-addresses.ts';
import type { ServerCredentials } from '../issuance/controller-certificate.ts';
import { callerKey } from '../limits/caller-key.ts';
import type { Lanes } from '../limits/lanes.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { Connection, Connections } from './connections.ts';
import { createHandshakes } from './handshakes.ts';

/**
 * The one public port. TLS 1.3 with an optional client certificate, then by ALPN either gRPC or the small
 * HTTP/1.1. Who may do what is decided call by call behind it; here only sizes and times are bounded.
 */
export interface PublicPortOptions {
  credentials: ServerCredentials;
  connections: Connections;
  /** Who goes first. */
  known: KnownAddresses;
  handshakes: Lanes;
  grpc: (socket: TLSSocket) => void;
  http: (socket: TLSSocket) => void;
  /** Of all callers together. */
  mostConnections: number;
  /** Multiplies how many one caller may have. */
  rateFactor: number;
  /** Counts connections that were not let be. */
  dropped: (reason: DropReason) => void;
  clock: Clock;
  logger: Logger;
}

export interface PublicPort {
  /** To listen with. */
  server: Server;
  /** From now on handshakes are made with these. */
  serveWith(credentials: ServerCredentials): void;
  /** Takes no more connections, and ends those whose handshake is not done. */
  close(): void;
}

/**
 * `total`: there were too many; `strangers`: too many of strangers; `caller`: too many of this caller; `rate`: it came too
 * often; `mute`: it said nothing; `busy`: too many waited for their handshake; `stalled`: its handshake took too long while
 * others waited; `silent`: no call came on it; `idle`: no more calls came on it, and it is no host's.
 */
export const DROP_REASONS = [
  'total',
  'strangers',
  'caller',
  'rate',
  'mute',
  'busy',
  'stalled',
  'silent',
  'idle',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** An agent connects because it has something to say. */
const SILENCE_MS = 10_000;
/** Between two calls of a caller that is no host: a health check, say. */
const STRANGER_IDLE_MS = 60_000;
const CONNECTIONS_PER_CALLER = 64;
/** However small the factor: an agent that renews, an operator's check and a stale connection or two have room. */
const FEWEST_PER_CALLER = 8;
/** The part of all connections that only addresses of hosts get. */
const HOSTS_SHARE = 1 / 8;
const MOST_CALLERS = 100_000;
/** Of what a connection says before its handshake; read in pieces of at most 64 KiB. */
const UNREAD_BYTES = 4096;

export function createPublicPort(options: PublicPortOptions): PublicPort {
  const { credentials, connections, known, grpc, http, mostConnections, rateFactor, dropped, clock, logger } = options;
  const perCaller = Math.max(FEWEST_PER_CALLER, Math.floor(CONNECTIONS_PER_CALLER * rateFactor));
  const forStrangers = mostConnections - Math.ceil(mostConnections * HOSTS_SHARE);
  const open = new Map<string, number>();
  const arrivals = new TokenBuckets({
    capacity: 2 * perCaller,
    refillPerSecond: perCaller / 4,
    clock,
    maxKeys: MOST_CALLERS,
  });
  let strangers = 0;

  const handshakes = createHandshakes({
    credentials,
    lanes: options.handshakes,
    mostPerCaller: Math.max(FEWEST_PER_CALLER, Math.floor(perCaller / 8)),
    done,
    dropped,
    clock,
    logger,
  });
  const server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true, highWaterMark: UNREAD_BYTES });
  server.maxConnections = mostConnections;
  server.on('drop', () => dropped('total'));
  // Before the handshake, which costs more than all that comes after.
  server.on('connection', (socket) => {
    connections.accept(socket);
    const caller = callerKey(socket.remoteAddress ?? '');
    const lane = known.has(caller) ? 'host' : 'stranger';
    socket.on('error', (error) => logger.debug('connection lost', { from: caller, error: error.message }));
    const reason = refusal(caller, lane === 'stranger');
    count(caller, lane === 'stranger', socket);
    if (reason === undefined) return handshakes.take(socket, caller, lane);
    dropped(reason);
    socket.destroy();
  });
  return {
    server,
    serveWith: handshakes.serveWith,
    close() {
      server.close();
      handshakes.close();
    },
  };

  function refusal(caller: string, isStranger: boolean): DropReason | undefined {
    if ((open.get(caller) ?? 0) >= perCaller) return 'caller';
    if (isStranger && strangers >= forStrangers) return 'strangers';
    return arrivals.take(caller) ? undefined : 'rate';
  }

  function count(caller: string, isStranger: boolean, socket: Socket): void {
    open.set(caller, (open.get(caller) ?? 0) + 1);
    if (isStranger) strangers += 1;
    socket.once('close', () => {
      if (isStranger) strangers -= 1;
      const left = (open.get(caller) ?? 1) - 1;
      if (left === 0) open.delete(caller);
      else open.set(caller, left);
    });
  }

  function done(socket: TLSSocket): void {
    socket.on('error', (error) =>
      logger.debug('connection lost', { from: socket.remoteAddress, error: error.message }),
    );
    const connection = connections.add(socket);
    if (socket.alpnProtocol !== 'h2') return http(socket);
    dropWhenIdle(socket, connection).catch(() => undefined);
    grpc(socket);
  }

  /** Rejects when the connection is closed. Those of hosts are ended by gRPC itself, later. */
  async function dropWhenIdle(socket: TLSSocket, connection: Connection): Promise<void> {
    const closed = new AbortController();
    socket.once('close', () => closed.abort());
    await clock.sleep(SILENCE_MS, closed.signal);
    let calls = 0;
    while (connection.proven || connection.openCalls > 0 || connection.calls > calls) {
      ({ calls } = connection);
      await clock.sleep(STRANGER_IDLE_MS, closed.signal);
    }
    dropped(calls === 0 ? 'silent' : 'idle');
    socket.destroy();
  }
}
