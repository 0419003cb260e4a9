import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { EnrollRequest } from '@torchpass/protocol';

/** Where the flood goes, and which of its many addresses this attempt comes from. */
export interface Attempt {
  port: number;
  localAddress: string;
  /** Aborted when the flood ends. */
  signal: AbortSignal;
}

/** One attempt of each kind of flood; it is made again and again by many at once. Resolves when it is over. */
export const FLOODS: Readonly<Record<string, (attempt: Attempt) => Promise<void>>> = {
  /** Opens a connection and says nothing. */
  connections: async (attempt) => held(await tcp(attempt), attempt.signal),

  /** Begins a TLS handshake and leaves it there. */
  'half-open TLS': async (attempt) => {
    const socket = await tcp(attempt);
    socket.write(await clientHello());
    await held(socket, attempt.signal);
  },

  /** Whole handshakes, one after the other: what costs the most processor time. */
  handshakes: async (attempt) => {
    (await tls(attempt, 'h2')).destroy();
  },

  garbage: async (attempt) => {
    const socket = await tcp(attempt);
    socket.write(randomBytes(256 * 1024));
    await held(socket, attempt.signal);
  },

  /** Enrolments with tokens that do not exist, over HTTP/2, thirty-two at once on each connection. */
  'wrong tokens': (attempt) => enrolments(attempt, () => message(wrongToken())),

  /** Messages as large as a length can say, and sent as far as the other side takes them. */
  'giant messages': (attempt) =>
    enrolments(attempt, () => {
      const bytes = Buffer.alloc(200 * 1024, 0x0a);
      bytes.writeUInt32BE(250 * 1024, 1);
      bytes[0] = 0;
      return bytes;
    }),

  /** Frames of HTTP/2 that make the other side answer: settings, pings, streams begun and reset, headers without end. */
  frames: async (attempt) => {
    const socket = await tls(attempt, 'h2');
    socket.pause();
    socket.write(PREFACE);
    const burst = Buffer.concat([
      ...Array.from({ length: 200 }, () => frame(0x4, 0, 0, Buffer.alloc(0))),
      ...Array.from({ length: 500 }, () => frame(0x6, 0, 0, Buffer.alloc(8))),
    ]);
    for (let stream = 1; !socket.destroyed && !attempt.signal.aborted && stream < 20_000; stream += 100) {
      const resets = Array.from({ length: 50 }, (_, n) => [
        frame(0x1, 0x4, stream + 2 * n, REQUEST_HEADERS),
        frame(0x3, 0, stream + 2 * n, Buffer.from([0, 0, 0, 8])),
      ]).flat();
      socket.write(Buffer.concat([burst, ...resets]));
      await delay(5);
    }
    socket.write(frame(0x1, 0, 20_001, REQUEST_HEADERS));
    for (let n = 0; n < 50 && !socket.destroyed; n += 1)
      socket.write(frame(0x9, 0, 20_001, Buffer.alloc(16_000, 0x40)));
    await held(socket, attempt.signal);
  },

  /** HTTP/1.1 by drops, and headers without end. */
  'slow HTTP': async (attempt) => {
    const socket = await tls(attempt, 'http/1.1');
    socket.write('GET /ca.pem HTTP/1.1\r\nhost: a\r\n');
    while (!socket.destroyed && !attempt.signal.aborted) {
      socket.write(`x-${randomBytes(4).toString('hex')}: ${'y'.repeat(500)}\r\n`);
      await delay(100);
    }
    socket.destroy();
  },
};

const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(0x4, 0, 0, Buffer.alloc(0))]);
/** `:method: POST`, `:scheme: https`, `:path: /`, `:authority:` with an empty value (RFC 7541, appendix A). */
const REQUEST_HEADERS = Buffer.from([0x83, 0x87, 0x84, 0x01, 0x00]);

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

async function tcp({ port, localAddress }: Attempt): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  socket.on('error', () => undefined).resume();
  await either(socket, 'connect');
  return socket;
}

async function tls({ port, localAddress }: Attempt, protocol: string): Promise<TLSSocket> {
  const options = { localAddress, rejectUnauthorized: false, ALPNProtocols: [protocol] };
  const socket = connectTls({ host: '127.0.0.1', port, ...options });
  socket.on('error', () => undefined);
  await either(socket, 'secureConnect');
  return socket;
}

/** Until it is connected, or never will be. */
async function either(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  await Promise.race([once(socket, event), once(socket, 'close')]).catch(() => undefined);
}

async function held(socket: Socket, signal: AbortSignal): Promise<void> {
  if (!socket.closed) await once(socket, 'close', { signal }).catch(() => undefined);
  socket.destroy();
}

/** What a TLS client says first. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        resolve(chunk);
        done();
      },
    });
    connectTls({ socket: wire }).on('error', () => undefined);
  });
}

async function enrolments(attempt: Attempt, body: () => Buffer): Promise<void> {
  const socket = await tls(attempt, 'h2');
  const session = connectHttp2('https://127.0.0.1', { createConnection: () => socket });
  session.on('error', () => undefined);
  const calls = Array.from({ length: 32 }, async () => {
    const call = session.request({
      ':method': 'POST',
      ':path': '/torchpass.v1.AgentService/Enroll',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    call.on('error', () => undefined).resume();
    call.write(body());
    await once(call, 'close', { signal: attempt.signal }).catch(() => undefined);
  });
  await Promise.race([Promise.all(calls), once(session, 'close', { signal: attempt.signal }).catch(() => undefined)]);
  session.destroy();
}

function wrongToken(): Buffer {
  return Buffer.from(
    EnrollRequest.encode(
      EnrollRequest.fromPartial({
        tokenId: randomBytes(8).toString('hex'),
        tokenSecret: randomBytes(20),
        certificateRequest: randomBytes(300),
        hostName: 'intruder',
      }),
    ).finish(),
  );
}

function message(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
