import { describe, expect, it, vi } from 'vitest';
import { joinHost, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import type { CertificateTable } from '../store/schema.ts';
import { checkLedger } from './check-ledger.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

async function withTwoHosts(): Promise<Lab> {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  await (await joinHost(lab, { name: 'a' })).serve();
  await (await joinHost(lab, { name: 'b', address: '198.51.100.8' })).serve();
  return lab;
}

it('finds nothing to say about what the controller issued', async () => {
  const lab = await withTwoHosts();
  // Two identities, two exporters, scraper and web interface.
  expect(await checkLedger(lab.store, lab.authorities)).toEqual({ checked: 6, problems: [] });
});

describe('finds a row that somebody changed', () => {
  it.each<[string, (row: CertificateTable, other: CertificateTable) => Partial<CertificateTable>]>([
    ['a bit of the signature', ({ certificate }) => ({ certificate: flipped(certificate, -1) })],
    ['a bit of the name', ({ certificate }) => ({ certificate: flipped(certificate, 200) })],
    ['a certificate that was cut off', ({ certificate }) => ({ certificate: certificate?.subarray(0, 100) ?? null })],
    ['another certificate', (_row, { certificate }) => ({ certificate })],
    ['another role', () => ({ role: 'scraper' })],
    ['other names', () => ({ ip_addresses: '["203.0.113.1"]' })],
    ['another key', () => ({ key_fingerprint: '00'.repeat(32) })],
    ['a later end', () => ({ not_after: '2036-01-01T00:00:00.000Z' })],
    ['another to-be-signed part', (_row, { tbs }) => ({ tbs })],
  ])('%s', async (_what, change) => {
    const lab = await withTwoHosts();
    const rows = await lab.store.selectFrom('certificates').selectAll().where('role', '=', 'exporter').execute();
    const [row, other] = rows.filter(({ host_id }) => host_id !== null);
    if (row === undefined || other === undefined) throw new Error('there are two exporters');
    await lab.store.updateTable('certificates').set(change(row, other)).where('serial', '=', row.serial).execute();
    const { checked, problems } = await checkLedger(lab.store, lab.authorities);
    expect(checked).toBe(6);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every((problem) => problem.includes(row.serial))).toBe(true);
  });
});

function flipped(certificate: Buffer | null, at: number): Buffer | null {
  if (certificate === null) return null;
  const changed = Buffer.from(certificate);
  const index = at < 0 ? changed.length + at : at;
  changed[index] = (changed[index] ?? 0) ^ 1;
  return changed;
}
