import type { Clock, Logger } from '@torchpass/core';
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type SecureContextOptions, type TLSSocket } from 'node:tls';
import type { ServerCredentials } from '../issuance/controller-certificate.ts';
import type { Lane, Lanes } from '../limits/lanes.ts';
import { Shares } from '../limits/shares.ts';

export interface HandshakeOptions {
  credentials: ServerCredentials;
  /** As `HANDSHAKES` says. */
  lanes: Lanes;
  /** How many turns one caller has at once. */
  mostPerCaller: number;
  /** Its handshake is done. */
  done: (socket: TLSSocket) => void;
  dropped: (reason: 'busy' | 'mute' | 'stalled') => void;
  clock: Clock;
  logger: Logger;
}

export interface Handshakes {
  /** Begins a handshake when it is its turn. The connection was not read from. `caller`: as `callerKey` says. */
  take(socket: Socket, caller: string, lane: Lane): void;
  /** From now on handshakes are made with these. */
  serveWith(credentials: ServerCredentials): void;
  /** Ends those that are under way or wait. */
  close(): void;
}

/** A signature and a key agreement each, about a millisecond of processor time; no other part of a connection costs as much. */
export const HANDSHAKES = { most: 64, reserved: 32, mostWaiting: 256 };
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A handshake is two round trips. One that takes longer loses its turn when others wait for it. */
const PATIENCE_MS = 2000;

/**
 * The TLS handshakes of the public port. A connection waits for its turn from its first byte on: one that says nothing
 * takes no turn from anybody. One caller has a few turns only, known or not: an address of a host is no proof.
 */
export function createHandshakes(options: HandshakeOptions): Handshakes {
  const { credentials, lanes, done, dropped, clock, logger } = options;
  const shares = new Shares(options.mostPerCaller);
  /** What ends the turn of a connection, and all that are not done. */
  const turns = new Map<string, () => void>();
  const open = new Set<Socket>();
  const tls = createServer({
    ...tlsOptions(credentials),
    ALPNProtocols: ['h2', 'http/1.1'],
    requestCert: true,
    // Judged per call, against the authority of agents and the database: see authenticate.ts.
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  tls.on('secureConnection', (socket) => {
    turns.get(keyOf(socket))?.();
    done(socket);
  });
  tls.on('tlsClientError', (error, socket) => {
    logger.debug('TLS handshake failed', { from: socket.remoteAddress, error: error.message });
  });

  return {
    take(socket, caller, lane) {
      const key = keyOf(socket);
      const over = new AbortController();
      const end = () => {
        over.abort();
        open.delete(socket);
        if (turns.get(key) === end) turns.delete(key);
      };
      const drop = (reason: 'busy' | 'mute' | 'stalled') => {
        if (over.signal.aborted) return;
        dropped(reason);
        socket.destroy();
      };
      open.add(socket);
      turns.set(key, end);
      socket.once('close', end);
      firstByte(socket, over.signal).then(
        (came) => {
          if (came === 'byte') void handshake();
          else if (came === 'time') drop('mute');
          else socket.destroy();
        },
        () => undefined,
      );

      async function handshake(): Promise<void> {
        try {
          whenOver(await shares.enter(caller, over.signal));
          whenOver(await lanes.enter(lane, over.signal));
        } catch {
          return drop('busy');
        }
        tls.emit('connection', socket);
        void watch();
      }

      function whenOver(leave: () => void): void {
        if (!over.signal.aborted) return over.signal.addEventListener('abort', leave);
        leave();
        over.signal.throwIfAborted();
      }

      async function watch(): Promise<void> {
        try {
          for (;;) {
            await clock.sleep(PATIENCE_MS, over.signal);
            if (lanes.isWanted(lane) || shares.waiting(caller) > 0) return drop('stalled');
          }
        } catch {
          // It is done, or gone.
        }
      }
    },
    serveWith: (fresh) => tls.setSecureContext(tlsOptions(fresh)),
    close() {
      for (const socket of open) socket.destroy();
    },
  };

  /** What comes first; the byte stays to be read. */
  function firstByte(socket: Socket, signal: AbortSignal): Promise<'byte' | 'end' | 'time'> {
    const readable = new Promise<'byte' | 'end'>((resolve) => {
      socket.once('readable', () => resolve(socket.readableLength > 0 ? 'byte' : 'end'));
    });
    return Promise.race([readable, clock.sleep(HANDSHAKE_TIMEOUT_MS, signal).then(() => 'time' as const)]);
  }
}

/** Both sides of a connection, the encrypted and the plain one, have the same. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ');
}

/** All that belongs to a TLS context. A renewal has to give it again: `setSecureContext` forgets what it is not given. */
function tlsOptions(credentials: ServerCredentials): SecureContextOptions {
  return {
    ...credentials,
    minVersion: 'TLSv1.3',
    // No session may outlive a revocation: every connection proves its key again. With TLS 1.3 this option only turns
    // self-contained tickets into references to the server's memory, which keeps no sessions here: none resumes.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
