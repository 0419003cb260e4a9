import { formatHostPort } from '@torchpass/core';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { enrollOver, type Identity } from '../testing/client.ts';
import { newToken } from '../testing/host.ts';
import { startLab, type RunningLab } from '../testing/lab.ts';
import { METHOD_POLICIES } from './methods.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const METHODS = Object.keys(METHOD_POLICIES);

describe('the policy of a method is kept on the wire', () => {
  it.each(METHODS)('%s ends a call that never sends its message at its deadline', async (path) => {
    const lab = await startLab();
    const identity = METHOD_POLICIES[path]?.caller === 'host' ? await enrollOver(lab, await newToken(lab)) : undefined;
    const call = await openCall(lab, path, identity);
    await vi.waitFor(
      async () => {
        lab.clock.advance(1000);
        expect(call.ended()).toBe('4');
      },
      { timeout: 10_000, interval: 5 },
    );
    expect(call.lasted()).toBeGreaterThanOrEqual(METHOD_POLICIES[path]?.deadlineMs ?? 0);
  });

  it.each(METHODS)('%s refuses a message above its size and takes one of it', async (path) => {
    const lab = await startLab();
    const most = METHOD_POLICIES[path]?.maxBytes ?? 0;
    const identity = METHOD_POLICIES[path]?.caller === 'host' ? await enrollOver(lab, await newToken(lab)) : undefined;
    const tooLarge = await openCall(lab, path, identity);
    tooLarge.send(filler(most + 1));
    await expect.poll(tooLarge.ended).toBe('8');
    const fits = await openCall(lab, path, identity);
    fits.send(filler(most));
    // A watch goes on; the others end, well or because nothing in the message makes sense.
    await expect.poll(() => fits.answered() || fits.ended() !== undefined).toBe(true);
    expect(fits.ended()).not.toBe('8');
  });
});

/** A call of which only the headers were sent, on a connection of its own, without any help of a gRPC library. */
async function openCall(lab: RunningLab, path: string, identity?: Identity) {
  const started = lab.clock.now().getTime();
  const session = connectHttp2(`https://${formatHostPort(lab.publicAddress)}`, {
    rejectUnauthorized: false,
    cert: identity?.chain,
    key: identity?.key,
  });
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  const stream = session.request(
    { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
    { endStream: false },
  );
  let ended: string | undefined;
  let lasted = 0;
  let answered = false;
  const read = (headers: Record<string, unknown>) => {
    if (typeof headers['grpc-status'] !== 'string' || ended !== undefined) return;
    ended = headers['grpc-status'];
    lasted = lab.clock.now().getTime() - started;
  };
  stream
    .on('response', read)
    .on('trailers', read)
    .on('error', () => undefined);
  stream.on('data', () => (answered = true));
  await once(session, 'connect');
  // The answer to what came after the headers: they have arrived.
  await new Promise((resolve) => session.ping(resolve));
  return {
    send: (message: Buffer) => {
      const frame = Buffer.alloc(5);
      frame.writeUInt32BE(message.length, 1);
      stream.end(Buffer.concat([frame, message]));
    },
    /** The number of gRPC's status; undefined while the call is open. */
    ended: () => ended,
    lasted: () => lasted,
    answered: () => answered,
  };
}

/** A message of just this size, in a field that no method knows. */
function filler(size: number): Buffer {
  for (let length = size; length > 0; length -= 1) {
    const prefix = Buffer.from([0xfa, 0x7f, ...varint(length)]);
    if (prefix.length + length === size) return Buffer.concat([prefix, Buffer.alloc(length)]);
  }
  throw new RangeError('too small');
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
