import { TargetState } from '@torchpass/protocol';
import { readTargets } from '@torchpass/prometheus';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { hostRow, joinHost, newKey, report, SERVER, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab } from '../testing/lab.ts';
import { published } from '../testing/published.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const OTHER = '198.51.100.8';
const openAllowed = () => openLab({ config: SERVERS_ALLOWED });

describe('a target', () => {
  it('is published once its newest certificate was seen from outside, and not before', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, { token: { labels: { env: 'prod' } } });
    expect(await host.checkIn([report()])).toMatchObject([
      { state: TargetState.PENDING, ipAddresses: [SERVER], target: `${SERVER}:9100` },
    ]);
    lab.outside.answer = () => 'a firewall is in the way';
    const serial = await host.serve();
    expect(lab.outside.looks).toEqual([{ host: SERVER, port: 9100, path: '/metrics', connectTo: SERVER, serial }]);
    expect(await published(lab)).toEqual([]);
    expect(await lab.services.targets.list()).toMatchObject([
      { state: 'pending', problem: 'a firewall is in the way' },
    ]);

    lab.outside.answer = () => undefined;
    const [answer] = await host.checkIn([report({ servingSerial: Buffer.from(serial, 'hex') })]);
    expect(answer).toMatchObject({ state: TargetState.PUBLISHED, problem: '' });
    expect(await published(lab)).toEqual([`node.json ${SERVER}:9100`]);
    const [target] = readTargets(await readFile(join(lab.paths.targets, 'node.json'), 'utf8'));
    expect(target?.labels).toEqual({ env: 'prod', host: 'web-1', job: 'node' });
  });

  it('shows what its agent says is wrong, for as long as it says so', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    const serial = Buffer.from(await host.serve(), 'hex');
    const problem = 'The exporter "node" is not locked: it answers plain HTTP.';
    await host.checkIn([report({ servingSerial: serial, problem })]);
    expect(await lab.services.targets.list()).toMatchObject([{ state: 'published', problem }]);
    await host.checkIn([report({ servingSerial: serial, problem: 'x'.repeat(100_000) })]);
    expect((await lab.services.targets.list())[0]?.problem?.length).toBeLessThan(1000);
    await host.checkIn([report({ servingSerial: serial })]);
    expect(await lab.services.targets.list()).toMatchObject([{ state: 'published', problem: null }]);
  });

  it('is certified anew when its host has joined again, or the database does not know what it serves', async () => {
    const lab = await openAllowed();
    const before = await joinHost(lab, {});
    const servingSerial = Buffer.from(await before.serve(), 'hex');
    expect(await before.checkIn([report({ servingSerial })])).toMatchObject([{ renew: false }]);
    await lab.services.hosts.revoke('web-1', 'reinstalled', OPERATOR);
    const again = await joinHost(lab, {});
    expect(await again.checkIn([report()])).toMatchObject([{ renew: false }]);
    expect(await again.checkIn([report({ servingSerial })])).toMatchObject([{ renew: true }]);
    expect(await again.checkIn([report({ servingSerial: Buffer.from('4100', 'hex') })])).toMatchObject([
      { renew: true },
    ]);
  });

  it('is looked at once for each certificate', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    const serial = await host.serve();
    await host.checkIn([report({ servingSerial: Buffer.from(serial, 'hex') })]);
    expect(lab.outside.looks).toHaveLength(1);
    lab.clock.advance(1000);
    await host.serve();
    expect(lab.outside.looks).toHaveLength(2);
  });

  it.each([
    ['that was never issued', Buffer.alloc(16, 7)],
    ['of nothing', Buffer.alloc(0)],
  ])('with a serial number %s is not looked at', async (_what, servingSerial) => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    await host.checkIn([report()]);
    const { publicKey } = await newKey();
    await lab.certificates.exporter(await hostRow(lab, 'web-1'), 'node', publicKey, SERVER);
    await host.checkIn([report({ servingSerial })]);
    expect(lab.outside.looks).toEqual([]);
    expect(await published(lab)).toEqual([]);
  });

  it('stays when its exporter is down: what is published is withdrawn for a reason only', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    await host.serve();
    lab.outside.answer = () => 'it does not answer';
    lab.clock.advance(1000);
    await host.serve();
    await host.checkIn([report()]);
    expect(await published(lab)).toEqual([`node.json ${SERVER}:9100`]);
    expect(await lab.services.targets.list()).toMatchObject([{ state: 'published', problem: 'it does not answer' }]);
  });

  it('goes when the host no longer reports its exporter, and comes back when it does', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    await host.serve();
    await host.serve({ name: 'process', port: 9256 });
    expect(await published(lab)).toEqual([`process.json ${SERVER}:9256`]);
    expect(await host.checkIn([])).toEqual([]);
    expect(await published(lab)).toEqual([]);
    lab.clock.advance(1000);
    await host.serve();
    expect(await published(lab)).toEqual([`node.json ${SERVER}:9100`]);
  });

  it('that is refused from now on goes at once, unless it is the last of its job and nobody said so', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    await host.serve();
    const other = await joinHost(lab, { name: 'web-2', address: OTHER });
    await other.serve({}, OTHER);
    const refused = [report({ metricsPath: 'nonsense' })];
    expect(await host.checkIn(refused)).toMatchObject([{ state: TargetState.REFUSED }]);
    expect(await published(lab)).toEqual([`node.json ${OTHER}:9100`]);
    await other.checkIn(refused);
    expect(await published(lab)).toEqual([`node.json ${OTHER}:9100`]);
    await lab.services.targets.publish({ allowEmpty: true }, OPERATOR);
    expect(await published(lab)).toEqual([]);
  });

  it('with a name stays while name servers are away, and goes when the name points inward', async () => {
    let answer: () => Promise<string[]> = () => Promise.resolve([SERVER]);
    const lab = await openLab({ config: SERVERS_ALLOWED, resolve: () => answer() });
    const named = { address: 'web.example.org' };
    const other = await joinHost(lab, { name: 'web-2', address: OTHER });
    await other.serve({}, OTHER);
    const host = await joinHost(lab, { token: { addresses: ['web.example.org'] } });
    const servingSerial = Buffer.from(await host.serve(named), 'hex');
    const both = [`node.json ${OTHER}:9100`, 'node.json web.example.org:9100'];
    expect(await published(lab)).toEqual(both);

    for (const away of [() => Promise.reject(new Error('EAI_AGAIN')), () => Promise.resolve([])]) {
      answer = away;
      const [told] = await host.checkIn([report({ ...named, servingSerial })]);
      expect(told).toMatchObject({ state: TargetState.PUBLISHED, dnsNames: ['web.example.org'] });
      expect(told?.problem).toContain('no address now');
      expect(await published(lab)).toEqual(both);
      const { publicKey } = await newKey();
      const asked = lab.certificates.exporter(await hostRow(lab, 'web-1'), 'node', publicKey, SERVER);
      await expect(asked).rejects.toMatchObject({ code: 'ADDRESS_UNRESOLVED' });
    }
    expect((await lab.services.targets.list())[0]?.problem).toContain('web.example.org');

    answer = () => Promise.resolve([SERVER]);
    await host.checkIn([report({ ...named, servingSerial })]);
    expect((await lab.services.targets.list())[0]?.problem).toBeNull();
    answer = () => Promise.resolve(['127.0.0.1']);
    await host.checkIn([report({ ...named, servingSerial })]);
    expect(await published(lab)).toEqual([`node.json ${OTHER}:9100`]);
  });

  it('is in the job that its host asks for when the token leaves that open', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    await host.serve({ name: 'mysqld', port: 9104, job: 'mysql' });
    expect(await published(lab)).toEqual([`mysql.json ${SERVER}:9104`]);
  });

  it('of a host that was revoked while we looked is not published', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    lab.outside.answer = async () => void (await lab.services.hosts.revoke('web-1', 'stolen', OPERATOR));
    await host.checkIn([report()]);
    const row = await hostRow(lab, 'web-1');
    const { publicKey } = await newKey();
    const { serial } = await lab.certificates.exporter(row, 'node', publicKey, SERVER);
    const exporters = [report({ servingSerial: Buffer.from(serial, 'hex') })];
    await lab.checkIn({
      host: row,
      request: { agentVersion: '', rootsDigest: Buffer.alloc(0), exporters },
      address: SERVER,
      identitySerial: undefined,
    });
    expect(lab.outside.looks).toHaveLength(1);
    expect(await published(lab)).toEqual([]);
    const left = await lab.store.selectFrom('exporters').select(['published_target', 'seen_serial']).execute();
    expect(left).toEqual([{ published_target: null, seen_serial: null }]);
  });

  it('changes its path in the file, and the new path is looked at', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    const serial = await host.serve();
    await host.checkIn([report({ metricsPath: '/probe', servingSerial: Buffer.from(serial, 'hex') })]);
    expect(lab.outside.looks.map(({ path }) => path)).toEqual(['/metrics', '/probe']);
    const [target] = readTargets(await readFile(join(lab.paths.targets, 'node.json'), 'utf8'));
    expect(target?.labels).toMatchObject({ __metrics_path__: '/probe' });
  });
});

it('an end is noted, and the name of a host that left is free', async () => {
  const lab = await openAllowed();
  await (await joinHost(lab, {})).serve();
  await lab.leave(await hostRow(lab, 'web-1'), SERVER);
  expect(await lab.services.hosts.show('web-1')).toMatchObject({ state: 'left', exporters: [{ state: 'withdrawn' }] });
  expect(await published(lab)).toEqual([]);
  lab.clock.advance(1000);
  await (await joinHost(lab, {})).serve();
  expect(await lab.services.hosts.show('web-1')).toMatchObject({ state: 'active' });
  await expect(lab.services.hosts.revoke('nobody', '', OPERATOR)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
