import { expect, it, vi } from 'vitest';
import { hostRow, joinHost, newKey, report, SERVER, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const HOUR = 3_600_000;

/** What a stolen identity does: a new key each time, until it is refused. Answers how many certificates it got. */
async function exhaust(ask: (publicKey: Buffer) => Promise<unknown>, most = 500): Promise<number> {
  for (let n = 0; n < most; n += 1) {
    const { publicKey } = await newKey();
    const code = await ask(publicKey).then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    if (code === 'RATE_LIMITED') return n;
    expect(code).toBeUndefined();
  }
  return most;
}

const counts = async ({ store }: Lab) => {
  const entries = await store
    .selectFrom('audit_log')
    .select('event')
    .where('event', '=', 'certificate.issued')
    .execute();
  return [entries.length, (await store.selectFrom('certificates').select('serial').execute()).length];
};

it('a host gets twenty certificates of a line at once, then one an hour, and no act of it is on record beyond', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  const host = await joinHost(lab, {});
  await host.serve();
  const row = await hostRow(lab, 'web-1');
  const exporter = (publicKey: Buffer) => lab.certificates.exporter(row, 'node', publicKey, SERVER);
  const identity = (publicKey: Buffer) => lab.certificates.identity(row, publicKey, SERVER);
  const before = await counts(lab);
  expect(await exhaust(identity, 50)).toBe(20);
  // The exporter's first came with `serve`.
  expect(await exhaust(exporter, 50)).toBe(19);
  expect(await counts(lab)).toEqual(before.map((count) => count + 39));
  lab.clock.advance(HOUR - 1000);
  expect(await exhaust(identity, 50)).toBe(0);
  lab.clock.advance(2000);
  expect([await exhaust(identity, 50), await exhaust(exporter, 50)]).toEqual([1, 1]);
  expect(await counts(lab)).toEqual(before.map((count) => count + 41));
});

it('what was lost on the way is answered again also when nothing is left', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  await joinHost(lab, {});
  const row = await hostRow(lab, 'web-1');
  const { publicKey } = await newKey();
  const first = await lab.certificates.identity(row, publicKey, SERVER);
  await exhaust((key) => lab.certificates.identity(row, key, SERVER), 50);
  expect(await lab.certificates.identity(row, publicKey, SERVER)).toEqual(first);
});

it('exporters with ever new names are no way around it', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  const host = await joinHost(lab, {});
  let granted = 0;
  for (let n = 0; n < 20; n += 1) {
    const name = `e${n}`;
    await host.checkIn([report({ name })]);
    const row = await hostRow(lab, 'web-1');
    granted += await exhaust((key) => lab.certificates.exporter(row, name, key, SERVER), 50);
  }
  expect(granted).toBe(16 * 20);
});

it('short lifetimes leave room for twenty renewals in each', async () => {
  const lab = await openLab({ config: { certificates: { identity_lifetime: '1m' } } });
  await joinHost(lab, {});
  const row = await hostRow(lab, 'web-1');
  const identity = (publicKey: Buffer) => lab.certificates.identity(row, publicKey, SERVER);
  await exhaust(identity, 50);
  lab.clock.advance(60_000);
  expect(await exhaust(identity, 50)).toBe(20);
});
