import { once } from 'node:events';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { text } from 'node:stream/consumers';
import type { Scope } from './scope.ts';
import { TRUST, type ClientTls } from './tls-files.ts';

/** How an attempt to get metrics ended: the HTTP status and whether it went over a resumed session, or `refused`. */
export type Loot = { status: number; resumed: boolean } | 'refused';

export interface Thief {
  /** On a new connection, with nothing of before. */
  knock(): Promise<Loot>;
  /** On the connection that was opened first. */
  stay(): Promise<Loot>;
  /** On a new connection that offers the session of the first. */
  resume(): Promise<Loot>;
}

/** Who has a scraper's key, has scraped an exporter with it once, and keeps what that gave: an open connection and a session. */
export async function startThief(scope: Scope, place: { host: string; port: number }, tls: ClientTls): Promise<Thief> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0, ...TRUST, ...tls });
  scope.defer(() => agent.destroy());
  const sessions: Buffer[] = [];
  const reasons: unknown[] = [];
  const send = async (options: object, onSocket: (socket: TLSSocket) => void = () => undefined): Promise<Loot> => {
    const asked = request({ ...place, path: '/metrics', signal: AbortSignal.timeout(10_000), ...options });
    asked.on('socket', (socket) => onSocket(socket as TLSSocket));
    try {
      const [response] = (await once(asked.end(), 'response')) as [IncomingMessage];
      // A socket that is kept alive leaves its response when that was read.
      const resumed = (response.socket as TLSSocket).isSessionReused();
      await text(response);
      return { status: response.statusCode ?? 0, resumed };
    } catch (error) {
      reasons.push(error);
      return 'refused';
    }
  };
  let first: TLSSocket | undefined;
  const stay = () =>
    send({ agent }, (socket) => {
      if (first !== undefined && socket !== first) socket.destroy();
      if (first !== undefined) return;
      first = socket;
      socket.on('session', (session: Buffer) => void sessions.push(session));
    });
  const opened = await stay();
  if (opened === 'refused' || sessions.length === 0)
    throw new Error('the thief did not get in, or got no session', { cause: reasons[0] });
  return {
    stay,
    knock: () => send({ agent: false, ...TRUST, ...tls }),
    resume: () => send({ agent: false, ...TRUST, ...tls, session: sessions.at(-1) }),
  };
}
