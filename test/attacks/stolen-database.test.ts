import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isTorchpassError, nodeFiles, Secret } from '@torchpass/core';
import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { expect, it, vi } from 'vitest';
import { openAuthorities } from '../../packages/controller/src/issuance/authorities.ts';
import { openStore } from '../../packages/controller/src/store/store.ts';
import { dial, enrollOver, enrollRequest } from '../../packages/controller/src/testing/client.ts';
import { newToken } from '../../packages/controller/src/testing/host.ts';
import { startLab } from '../../packages/controller/src/testing/lab.ts';

/**
 * Attack: somebody has the database and every other file of the storage, but not the passphrase.
 * Defence: keys are sealed under the passphrase, tokens kept as hashes: nothing in it signs anything or joins anything.
 * Lives in: packages/pki/src/sealing.ts, controller/src/tokens/redeem.ts, controller/src/issuance/key-store.ts.
 * Seen to fail: with the secret itself stored in place of its hash a column joins a host.
 */

vi.mock('node:crypto', async (original) =>
  (await import('../../packages/controller/src/testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

interface Found {
  where: string;
  value: Buffer;
}

/** Every value of every column, and every part of those that are JSON, as bytes, and as what its text may encode. */
function everythingIn(path: string): Found[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  const found = tables.flatMap(({ name }) =>
    database
      .prepare(`SELECT * FROM "${String(name)}"`)
      .all()
      .flatMap((row) => Object.entries(row).flatMap(([column, value]) => readings(`${String(name)}.${column}`, value))),
  );
  database.close();
  return found;
}

function readings(where: string, value: unknown): Found[] {
  if (value instanceof Uint8Array) return [{ where, value: Buffer.from(value) }];
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, inner]) => readings(`${where}.${key}`, inner));
  if (typeof value !== 'string') return [];
  const encodings = (['utf8', 'base64', 'base64url', 'hex'] as const).map((encoding) => Buffer.from(value, encoding));
  const parsed = /^[[{]/.test(value) ? readings(where, JSON.parse(value)) : [];
  return [...encodings.map((bytes) => ({ where, value: bytes })), ...parsed];
}

/** The private keys that these bytes could be. */
function asKeys(value: Buffer): KeyObject[] {
  const attempts = [
    () => createPrivateKey(value),
    () => createPrivateKey({ key: value, format: 'der', type: 'pkcs8' }),
    () => createPrivateKey({ key: value, format: 'der', type: 'sec1' }),
    () => createPrivateKey({ key: sec1(value), format: 'der', type: 'sec1' }),
    () => createPrivateKey({ key: Buffer.concat([ED25519, value]), format: 'der', type: 'pkcs8' }),
  ];
  return attempts.flatMap((attempt) => {
    try {
      return [attempt()];
    } catch {
      return [];
    }
  });
}

/** A bare number of 32 bytes as a key on P-256 (RFC 5915). */
function sec1(value: Buffer): Buffer {
  if (value.length !== 32) throw new TypeError('not a number of that size');
  return Buffer.concat([Buffer.from('30310201010420', 'hex'), value, Buffer.from('a00a06082a8648ce3d030107', 'hex')]);
}

const ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiOf = (key: KeyObject) =>
  (key.type === 'public' ? key : createPublicKey(key)).export({ format: 'der', type: 'spki' }).toString('hex');

it('nothing in it signs anything or joins anything', { timeout: 60_000 }, async () => {
  const lab = await startLab();
  await enrollOver(lab, await newToken(lab), 'member');
  const tokens = [await newToken(lab, { expiresIn: '30d' }), await newToken(lab, { expiresIn: '30d', uses: 10 })];
  const store = await openStore({ path: join(lab.config.storage_path, 'torchpass.db'), clock: lab.clock });
  const found = everythingIn(join(lab.config.storage_path, 'torchpass.db'));
  const files = (await readdir(lab.config.storage_path)).filter(
    (name) => !/^(?:passphrase|prometheus|controller\.sock)/.test(name),
  );
  for (const name of files) {
    const value = await readFile(join(lab.config.storage_path, name));
    found.push({ where: name, value }, ...readings(name, value.toString('utf8')));
  }
  expect(new Set(found.map(({ where }) => where)).size).toBeGreaterThan(40);

  const rows = await store.selectFrom('certificates').select('certificate').execute();
  const authorities = await store.selectFrom('authorities').select('certificate').execute();
  const known = new Set(
    [...rows, ...authorities].flatMap(({ certificate }) =>
      certificate === null ? [] : [spkiOf(new X509Certificate(certificate).publicKey)],
    ),
  );
  expect(known.size).toBeGreaterThan(5);
  const keys = found.filter(({ value }) => asKeys(value).some((key) => known.has(spkiOf(key))));
  expect(keys.map(({ where }) => where)).toEqual([]);

  const secrets = new Map(
    found.filter(({ value }) => value.length >= 8 && value.length <= 64).map((one) => [one.value.toString('hex'), one]),
  );
  const certificateRequest = createCertificateRequest(await generatePrivateKey());
  const { enroll, close } = dial(lab);
  const joined: string[] = [];
  for (const { id } of tokens) {
    for (const { where, value } of secrets.values()) {
      lab.clock.advance(10_000);
      const request = enrollRequest({ id, secret: value, text: '' }, certificateRequest, 'thief');
      await enroll(request).then(
        () => joined.push(where),
        (error: unknown) => expect(isTorchpassError(error, 'TOKEN_REJECTED')).toBe(true),
      );
    }
  }
  close();
  expect(joined).toEqual([]);
  expect(secrets.size).toBeGreaterThan(40);

  const guesses = [...new Set(found.map(({ value }) => value.toString('utf8')))].filter(
    (text) => text.length > 0 && text.length < 100,
  );
  for (const guess of [guesses[0], guesses.at(-1), 'torchpass', 'password'].filter((text) => text !== undefined))
    await expect(openAuthorities(store, new Secret(guess))).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
  await store.destroy();
  expect(await nodeFiles().read(join(lab.config.storage_path, 'passphrase'))).toBeDefined();
});
