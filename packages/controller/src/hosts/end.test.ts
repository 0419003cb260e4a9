import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { joinHost, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';
import { published } from '../testing/published.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const openPatient = () => openLab({ config: { ...SERVERS_ALLOWED, targets: { publish_interval: '60s' } } });

/** The first publication does not wait; every later one does, for a minute, unless it is urgent. */
async function withTwoHosts() {
  const lab = await openPatient();
  const [host, other] = [await joinHost(lab, {}), await joinHost(lab, { name: 'web-2', address: '198.51.100.8' })];
  const exporter = await host.serve();
  return { lab, host, other, exporter };
}

it('a revocation closes connections first, then takes the target off, without any time going by', async () => {
  const { lab, host, exporter } = await withTwoHosts();
  expect(await published(lab)).toEqual(['node.json 198.51.100.7:9100']);
  const seen: string[] = [];
  lab.onCut = () => void seen.push(readFileSync(join(lab.paths.targets, 'node.json'), 'utf8'));
  await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR);
  expect(await published(lab)).toEqual([]);
  expect(lab.cuts).toEqual([expect.toSatisfy((serials: string[]) => serials.length === 2)]);
  expect(lab.cuts.flat().toSorted()).toEqual([host.enrolled.certificate.serial, exporter].toSorted());
  expect(seen).toEqual([expect.stringContaining('198.51.100.7:9100')]);
  expect(lab.clock.nextWake).toBeUndefined();
});

it('a revocation does not wait for a join that waits for others, and takes it along', async () => {
  const { lab, other } = await withTwoHosts();
  const joining = other.serve({ job: 'edge' });
  await vi.waitFor(() => expect(lab.clock.nextWake).toBeDefined());
  expect(await published(lab)).toEqual(['node.json 198.51.100.7:9100']);
  await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR);
  await joining;
  expect(await published(lab)).toEqual(['edge.json 198.51.100.8:9100']);
});

it('joins after a revocation gather as before', async () => {
  const { lab, other } = await withTwoHosts();
  await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR);
  const joining = other.serve({ job: 'edge' });
  await vi.waitFor(() => expect(lab.clock.nextWake).toBeDefined());
  expect(await published(lab)).toEqual([]);
  lab.clock.advance(60_000);
  await joining;
  expect(await published(lab)).toEqual(['edge.json 198.51.100.8:9100']);
});

it('a host that leaves by itself is neither cut off nor in a hurry', async () => {
  const { lab } = await withTwoHosts();
  const row = await lab.store.selectFrom('hosts').selectAll().where('name', '=', 'web-1').executeTakeFirstOrThrow();
  const leaving = lab.leave(row, '198.51.100.7');
  await vi.waitFor(() => expect(lab.clock.nextWake).toBeDefined());
  expect(lab.cuts).toEqual([]);
  lab.clock.advance(60_000);
  await leaving;
  expect(await published(lab)).toEqual([]);
});
