import { Secret, systemRandom } from '@torchpass/core';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { CHUNK, decrypt, encrypt } from './encrypt.ts';
import { HEADER_PREFIX } from './header.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const PASSPHRASE = new Secret('a long and random text');

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const sealed = (plain: Uint8Array, passphrase = PASSPHRASE) =>
  all(encrypt(pieces(plain, 10_000), passphrase, systemRandom));
const opened = (bytes: Uint8Array, passphrase = PASSPHRASE) => all(decrypt(pieces(bytes, 7001), passphrase));

const bytesOf = (length: number) => Buffer.from(Array.from({ length }, (_, n) => (n * 7 + (n >> 8)) & 255));

describe('an encrypted stream', () => {
  it.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17])(
    'of %d bytes comes back as it was',
    async (length) => {
      const plain = bytesOf(length);
      expect((await opened(await sealed(plain))).equals(plain)).toBe(true);
    },
  );

  it('shows nothing of its content, and is another one each time', async () => {
    const plain = Buffer.alloc(2 * CHUNK, 'secret');
    const [one, other] = [await sealed(plain), await sealed(plain)];
    expect(one.includes('secretsecret')).toBe(false);
    expect(one.subarray(-CHUNK).equals(other.subarray(-CHUNK))).toBe(false);
  });

  it('does not open with another passphrase', async () => {
    await expect(opened(await sealed(bytesOf(10)), new Secret('another'))).rejects.toMatchObject({
      code: 'PASSPHRASE_WRONG',
    });
  });

  describe('of four chunks', () => {
    const plain = bytesOf(3 * CHUNK + 1000);
    const record = CHUNK + 16;
    const made = sealed(plain);
    /** Where the chunks begin: the header is before them. */
    const start = async () => HEADER_PREFIX + (await made).readUInt16BE(HEADER_PREFIX - 2);
    const damage = /^(?:BACKUP_BROKEN|PASSPHRASE_WRONG)$/;

    it('is refused after any change of any byte', { timeout: 120_000 }, async () => {
      const good = await made;
      // In each chunk, its tag, and the header.
      await fc.assert(
        fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
          const bad = Buffer.from(good);
          bad[at] = (bad[at] ?? 0) ^ flip;
          const outcome = await opened(bad).catch((error: unknown) => error);
          expect(outcome).toMatchObject({ code: expect.stringMatching(damage) });
        }),
        { numRuns: 150 },
      );
    });

    it('is refused when it is cut off anywhere, also between two chunks', { timeout: 120_000 }, async () => {
      const good = await made;
      const first = await start();
      const boundaries = [0, 1, 2, 3].map((n) => first + n * record);
      const anywhere = fc.nat(good.length - 1);
      await fc.assert(
        fc.asyncProperty(fc.oneof(anywhere, fc.constantFrom(...boundaries)), async (length) => {
          await expect(opened(good.subarray(0, length))).rejects.toMatchObject({ code: 'BACKUP_BROKEN' });
        }),
        { numRuns: 100 },
      );
    });

    it.each([
      ['swapped', [1, 0, 2, 3]],
      ['repeated', [0, 1, 1, 2, 3]],
      ['left out', [0, 2, 3]],
      ['the last in the middle', [0, 3, 1, 2]],
      ['followed by others', [0, 1, 2, 3, 0]],
    ])('is refused with chunks %s', async (_what, order) => {
      const good = await made;
      const first = await start();
      const chunk = (n: number) => good.subarray(first + n * record, first + (n + 1) * record);
      const bad = Buffer.concat([good.subarray(0, first), ...order.map(chunk)]);
      await expect(opened(bad)).rejects.toMatchObject({ code: 'BACKUP_BROKEN' });
    });

    it('gives out nothing that is not authentic', async () => {
      const bad = Buffer.from(await made);
      const at = (await start()) + 2 * record + 5;
      bad[at] = (bad[at] ?? 0) ^ 1;
      const out: Buffer[] = [];
      await expect(
        (async () => {
          for await (const chunk of decrypt(pieces(bad, 7001), PASSPHRASE)) out.push(chunk);
        })(),
      ).rejects.toMatchObject({ code: 'BACKUP_BROKEN', message: expect.stringContaining('chunk 3') as string });
      expect(Buffer.concat(out).equals(plain.subarray(0, 2 * CHUNK))).toBe(true);
    });
  });

  it.each([
    ['too costly', { N: 2 ** 24 }],
    ['too weak', { N: 2 }],
    ['of another kind', { kdf: 'md5' }],
    ['without salt', { salt: '' }],
  ])('with parameters that are %s is refused before they are used', async (_what, change) => {
    const good = await sealed(bytesOf(10));
    const length = good.readUInt16BE(HEADER_PREFIX - 2);
    const header = JSON.parse(good.subarray(HEADER_PREFIX, HEADER_PREFIX + length).toString()) as object;
    const json = Buffer.from(JSON.stringify({ ...header, ...change }));
    const prefix = Buffer.from(good.subarray(0, HEADER_PREFIX));
    prefix.writeUInt16BE(json.length, HEADER_PREFIX - 2);
    const bad = Buffer.concat([prefix, json, good.subarray(HEADER_PREFIX + length)]);
    await expect(opened(bad)).rejects.toMatchObject({ code: 'BACKUP_BROKEN' });
  });
});
