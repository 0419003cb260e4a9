import { TargetState } from '@torchpass/protocol';
import { readTargets } from '@torchpass/prometheus';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { hostRow, joinHost, newKey, report, SERVER, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const OTHER = '198.51.100.8';
const openAllowed = () => openLab({ config: SERVERS_ALLOWED });

/** Every target in Prometheus's files, as `job address`. */
async function published(lab: Lab): Promise<string[]> {
  const { targets } = lab.paths;
  const files = (await readdir(targets)).toSorted();
  const lists = await Promise.all(
    files.map(async (file) =>
      readTargets(await readFile(join(targets, file), 'utf8')).map((t) => `${file} ${t.address}`),
    ),
  );
  return lists.flat();
}

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
    await lab.services.hosts.revoke('web-1', 'reinstalled');
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
    await lab.services.targets.publish({ allowEmpty: true });
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
    lab.outside.answer = async () => void (await lab.services.hosts.revoke('web-1', 'stolen'));
    await host.checkIn([report()]);
    const row = await hostRow(lab, 'web-1');
    const { publicKey } = await newKey();
    const { serial } = await lab.certificates.exporter(row, 'node', publicKey, SERVER);
    const exporters = [report({ servingSerial: Buffer.from(serial, 'hex') })];
    await lab.checkIn({ host: row, request: { agentVersion: '', exporters }, address: SERVER });
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

describe('a host that moves', () => {
  it('is published at its old address until it was seen at the new one, then only there', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    await host.serve();
    lab.outside.answer = ({ host }) => (host === OTHER ? 'nobody is there yet' : undefined);
    lab.clock.advance(1000);
    const serial = await host.serve({}, OTHER);
    expect(await published(lab)).toEqual([`node.json ${SERVER}:9100`]);
    lab.outside.answer = () => undefined;
    const seen: string[][] = [];
    const write = vi.spyOn(lab.files, 'write').mockImplementation(async (_path, { data }) => {
      seen.push(readTargets(String(data)).map(({ address }) => address));
      return Promise.resolve();
    });
    await host.checkIn([report({ servingSerial: Buffer.from(serial, 'hex') })], OTHER);
    write.mockRestore();
    expect(seen).toEqual([[`${OTHER}:9100`]]);
  });

  it('gets no certificate for an address it has left, nor for one that it did not check in with', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    await host.serve();
    const { publicKey } = await newKey();
    const row = await hostRow(lab, 'web-1');
    await expect(lab.certificates.exporter(row, 'node', publicKey, OTHER)).rejects.toMatchObject({
      code: 'ADDRESS_REFUSED',
    });
  });

  it('gives its old address free: the next host there is published under its own name, and the old target goes', async () => {
    const lab = await openAllowed();
    const mover = await joinHost(lab, { name: 'mover' });
    await mover.serve();
    lab.outside.answer = ({ host }) => (host === OTHER ? 'nobody is there yet' : undefined);
    await mover.checkIn([report()], OTHER);
    const next = await joinHost(lab, { name: 'next' });
    await next.serve();
    const targets = readTargets(await readFile(join(lab.paths.targets, 'node.json'), 'utf8'));
    expect(targets).toMatchObject([{ address: `${SERVER}:9100`, labels: { host: 'next' } }]);
  });
});

describe('an address that another active host has', () => {
  it.each([
    ['the same port', 9100],
    ['another port', 9101],
  ])('is refused with %s, and no certificate is made for it', async (_what, port) => {
    const lab = await openAllowed();
    await (await joinHost(lab, { name: 'owner' })).serve();
    const other = await joinHost(lab, { name: 'other' });
    const [answer] = await other.checkIn([report({ port })]);
    expect(answer).toMatchObject({ state: TargetState.REFUSED, ipAddresses: [] });
    expect(answer?.problem).toContain(SERVER);
    const { publicKey } = await newKey();
    const refused = lab.certificates.exporter(await hostRow(lab, 'other'), 'node', publicKey, SERVER);
    await expect(refused).rejects.toMatchObject({ code: 'EXPORTER_REFUSED' });
  });

  it('is free once that host was revoked', async () => {
    const lab = await openAllowed();
    await (await joinHost(lab, { name: 'owner' })).serve();
    await lab.services.hosts.revoke('owner', '');
    expect(await published(lab)).toEqual([]);
    await (await joinHost(lab, { name: 'other' })).serve();
    expect(await published(lab)).toEqual([`node.json ${SERVER}:9100`]);
  });

  it('asked for by two hosts at once goes to one', async () => {
    const lab = await openAllowed();
    const hosts = await Promise.all(['a', 'b'].map((name) => joinHost(lab, { name })));
    const answers = await Promise.all(hosts.map((host) => host.checkIn([report()])));
    const states = answers.map(([answer]) => answer?.state);
    expect(states.filter((state) => state === TargetState.PENDING)).toHaveLength(1);
  });
});

describe('a certificate for an exporter', () => {
  it('is not made before the host has checked in with it, nor for a refused one', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    const { publicKey } = await newKey();
    const row = await hostRow(lab, 'web-1');
    const asked = () => lab.certificates.exporter(row, 'node', publicKey, SERVER);
    await expect(asked()).rejects.toMatchObject({ code: 'EXPORTER_REFUSED' });
    await host.checkIn([report({ port: 0 })]);
    await expect(asked()).rejects.toMatchObject({ code: 'EXPORTER_REFUSED' });
  });

  it('is not made for a name whose address has turned inward since the check-in', async () => {
    let address = '8.8.8.8';
    const lab = await openLab({ resolve: () => Promise.resolve([address]) });
    const host = await joinHost(lab, { address: '193.0.14.129', token: { addresses: ['web.example.org'] } });
    await host.checkIn([report({ address: 'web.example.org' })]);
    address = '10.0.0.1';
    const { publicKey } = await newKey();
    const asked = lab.certificates.exporter(await hostRow(lab, 'web-1'), 'node', publicKey, '193.0.14.129');
    await expect(asked).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
  });
});

it('an end is noted, and the name of a host that left is free', async () => {
  const lab = await openAllowed();
  await (await joinHost(lab, {})).serve();
  await lab.leave(await hostRow(lab, 'web-1'));
  expect(await lab.services.hosts.show('web-1')).toMatchObject({ state: 'left', exporters: [{ state: 'withdrawn' }] });
  expect(await published(lab)).toEqual([]);
  lab.clock.advance(1000);
  await (await joinHost(lab, {})).serve();
  expect(await lab.services.hosts.show('web-1')).toMatchObject({ state: 'active' });
  await expect(lab.services.hosts.revoke('nobody', '')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
