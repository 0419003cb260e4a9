import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@torchpass/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Lab, startLab } from './testing/lab.ts';

const HOUR_MS = 3_600_000;

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
  await lab.agent().enroll(lab.controller.token());
  lab.controller.book.calls = [];
});
afterEach(() => lab.close());

const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS);
const tell = (at: Date | undefined) =>
  Object.assign(lab.controller.book, { renewIdentityAt: at, renewExportersAt: at });
const clockAhead = (ms: number) => ({ clock: { now: () => new Date(Date.now() + ms), sleep: systemClock.sleep } });

/** Serial numbers in use, and when each is renewed. */
async function certificates() {
  const { identity, exporters } = await lab.agent().status();
  const exporter = exporters[0]?.certificate;
  return { serials: [identity.serial, exporter?.serial], renewals: [identity.renews_at, exporter?.renews_at] };
}

describe('a time that the controller has chosen', () => {
  test('in the future is kept, shown, and known to the next process', async () => {
    const at = inHours(2);
    tell(at);
    const { serials } = await certificates();
    expect(await lab.agent().sync()).toMatchObject({ complete: true, due: at });
    expect(await certificates()).toEqual({ serials, renewals: [at.toISOString(), at.toISOString()] });
    // The identity is renewed before the controller is asked anything; the exporter as its newest answer says.
    lab.controller.book.calls = [];
    tell(undefined);
    await lab.agent(clockAhead(2 * HOUR_MS + 1000)).sync();
    expect(lab.controller.book.calls).toEqual(['issueCertificate', 'checkIn']);
  });

  test('that has come renews both in the same pass, with new keys, once', async () => {
    const before = await certificates();
    const keys = await keysInUse();
    tell(new Date());
    const { issued } = lab.controller.book;
    const known = issued.size;
    await lab.agent().sync();
    const after = await certificates();
    expect(after.serials[0]).not.toBe(before.serials[0]);
    expect(after.serials[1]).not.toBe(before.serials[1]);
    expect(issued.size).toBe(known + 2);
    for (const key of await keysInUse()) expect(keys).not.toContain(key);
  });
});

describe('nobody renews again and again', () => {
  test('for a time from before the certificate was issued', async () => {
    tell(new Date(Date.now() - 30 * 24 * HOUR_MS));
    const { serials } = await certificates();
    for (let pass = 0; pass < 3; pass += 1) await lab.agent().sync();
    expect((await certificates()).serials).toEqual(serials);
  });

  test.each([-1, 1])('for a controller whose clock is wrong by a day (%d)', async (days) => {
    lab.controller.book.clockAheadMs = days * 24 * HOUR_MS;
    tell(new Date(Date.now() + 1000));
    const { serials } = await certificates();
    for (let pass = 0; pass < 3; pass += 1) await lab.agent(clockAhead(2000)).sync();
    expect((await certificates()).serials).toEqual(serials);
  });

  test('for a note that is damaged', async () => {
    const file = join(lab.settings.storagePath, 'appointments.json');
    const { serials, renewals } = await certificates();
    for (const text of ['', '{', '[]', 'null', '{"x":7}']) {
      await writeFile(file, text);
      await lab.agent().sync();
    }
    expect(await certificates()).toEqual({ serials, renewals });
  });
});

/** Private keys of the identity and of the exporter's newest generation. */
async function keysInUse(): Promise<string[]> {
  const { serials } = await certificates();
  const folder = lab.settings.storagePath;
  const files = [
    join(folder, 'identity/identity.pem'),
    join(folder, 'exporters/node/generations', serials[1] ?? '', 'key.pem'),
  ];
  const pems = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return pems.map((pem) => pem.slice(0, pem.indexOf('-----END PRIVATE KEY-----')));
}
