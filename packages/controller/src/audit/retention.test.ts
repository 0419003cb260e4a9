import { expect, it } from 'vitest';
import { sql } from 'kysely';
import { newToken } from '../testing/host.ts';
import { openLab } from '../testing/lab.ts';
import { prune } from './retention.ts';
import { createAudit } from './audit.ts';
import { verifyLog } from './verify.ts';

const DAY_MS = 86_400_000;

async function filled(entries: number) {
  const lab = await openLab();
  const key = lab.authorities.sealing.derive('audit log');
  const audit = createAudit({ key, clock: lab.clock });
  await lab.store.transaction().execute(async (transaction) => {
    for (let n = 3; n <= entries; n += 1)
      await audit.record(transaction, {
        event: 'token.created',
        by: { kind: 'controller', name: '', from: '' },
        subject: `${n}`,
      });
  });
  const pruning = (limits: { retentionMs: number; mostEntries: number }) =>
    prune({ ...limits, store: lab.store, audit, key, clock: lab.clock });
  const numbers = async () => {
    const rows = await lab.store.selectFrom('audit_log').select('number').orderBy('number').execute();
    return [rows[0]?.number, rows.at(-1)?.number];
  };
  return { lab, key, pruning, numbers };
}

it('removes the oldest when there are too many, says so, and what is left verifies from there', async () => {
  const { lab, key, pruning, numbers } = await filled(60);
  expect(await pruning({ retentionMs: 400 * DAY_MS, mostEntries: 50 })).toBe(11);
  expect(await numbers()).toEqual([12, 61]);
  const verified = await verifyLog(lab.store, key);
  expect(verified).toMatchObject({ entries: 50, fault: undefined, head: { pruned_number: 11 } });
  const {
    entries: [told],
  } = await lab.services.audit.log({ limit: 1 });
  expect(told).toMatchObject({
    event: 'audit.pruned',
    details: { entries: 11, last_removed: 11, last_removed_mac: verified.head.pruned_mac },
  });
  expect(await pruning({ retentionMs: 400 * DAY_MS, mostEntries: 50 })).toBe(0);
  await expect(lab.services.audit.verify({ head: `3:${'0'.repeat(64)}` })).resolves.toMatchObject({
    comparable: false,
    fault: null,
    first: 12,
  });
});

it('removes what is older than the retention, and nothing younger', async () => {
  const { lab, pruning, numbers } = await filled(20);
  lab.clock.advance(300 * DAY_MS);
  await newToken(lab);
  expect(await pruning({ retentionMs: 400 * DAY_MS, mostEntries: 1000 })).toBe(0);
  lab.clock.advance(101 * DAY_MS);
  expect(await pruning({ retentionMs: 400 * DAY_MS, mostEntries: 1000 })).toBe(20);
  expect(await numbers()).toEqual([21, 22]);
});

it('loses no more than a thousand entries to a clock that is wrong by ten years for an hour', async () => {
  const { lab, pruning, numbers } = await filled(3000);
  lab.clock.advance(3650 * DAY_MS);
  expect(await pruning({ retentionMs: 400 * DAY_MS, mostEntries: 1_000_000 })).toBe(1000);
  lab.clock.advance(-3650 * DAY_MS);
  expect(await pruning({ retentionMs: 400 * DAY_MS, mostEntries: 1_000_000 })).toBe(0);
  expect(await numbers()).toEqual([1001, 3001]);
});

it('uses the space again: ten times as many entries do not make the file ten times as large', async () => {
  const { lab, pruning } = await filled(2000);
  const limits = { retentionMs: 400 * DAY_MS, mostEntries: 2000 };
  const pages = async () => {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(lab.store);
    return rows[0]?.page_count ?? 0;
  };
  const before = await pages();
  for (let round = 0; round < 10; round += 1) {
    await lab.store.transaction().execute(async (transaction) => {
      const audit = createAudit({ key: Buffer.alloc(32), clock: lab.clock });
      for (let n = 0; n < 2000; n += 1)
        await audit.record(transaction, {
          event: 'token.created',
          by: { kind: 'controller', name: '', from: '' },
          subject: `${n}`,
        });
    });
    await pruning(limits);
  }
  expect(await pages()).toBeLessThan(before * 2.5);
});

it('our own code cannot change or remove an entry past the one door', async () => {
  const { lab } = await filled(5);
  const { store } = lab;
  await expect(store.updateTable('audit_log').set({ subject: 'x' }).execute()).rejects.toThrow(/never changed/);
  await expect(store.deleteFrom('audit_log').where('number', '=', 3).execute()).rejects.toThrow(/pruning only/);
  await expect(store.deleteFrom('audit_head').execute()).rejects.toThrow(/never removed/);
  const stray = { at: '', event: 'x', actor: '[]', subject: '', details: '{}', mac: '' };
  await expect(
    store
      .insertInto('audit_log')
      .values({ number: 9, ...stray })
      .execute(),
  ).rejects.toThrow(/follow one another/);
});
