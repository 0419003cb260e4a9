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
      seen.push(readTargets(typeof data === 'string' ? data : '').map(({ address }) => address));
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
    await lab.services.hosts.revoke('owner', '', OPERATOR);
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
