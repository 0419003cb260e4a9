import { expect, it, vi } from 'vitest';
import { watchStatements } from '../testing/crash-dialect.ts';
import { joinHost, newKey, report, hostRow, SERVERS_ALLOWED, SERVER } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

/** Hosts number `from` to `to`, each with a published exporter. */
async function joinFleet(lab: Lab, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number += 1) {
    await (await joinHost(lab, { name: `host-${number}`, address: `198.51.100.${number}` })).serve();
  }
}

it('the lists of hosts and targets show the newest certificate of each line, by name', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  const [b, a] = [
    await joinHost(lab, { name: 'b', address: '198.51.100.2', token: { job: 'web', labels: { env: 'prod' } } }),
    await joinHost(lab, { name: 'a', address: '198.51.100.1' }),
  ];
  const blackbox = report({ name: 'blackbox', port: 9115 });
  await b.checkIn([report(), blackbox]);
  const certify = async (exporter: string) => {
    lab.clock.advance(1000);
    const { publicKey } = await newKey();
    return (await lab.certificates.exporter(await hostRow(lab, 'b'), exporter, publicKey, '198.51.100.2')).serial;
  };
  await certify('node');
  const [other, newest] = [await certify('blackbox'), await certify('node')];
  await b.checkIn([report({ servingSerial: Buffer.from(newest, 'hex') }), blackbox]);
  const renewed = await lab.certificates.identity(await hostRow(lab, 'b'), (await newKey()).publicKey, SERVER);
  await joinHost(lab, { name: 'c', address: '198.51.100.3' });
  await lab.services.hosts.revoke('c', '', OPERATOR);

  const hosts = await lab.services.hosts.list();
  expect(hosts.map(({ name, state }) => [name, state])).toEqual([
    ['a', 'active'],
    ['b', 'active'],
    ['c', 'revoked'],
  ]);
  expect(hosts[0]).toMatchObject({ identity: { serial: a.enrolled.certificate.serial }, exporters: [] });
  expect(hosts[1]).toMatchObject({ identity: { serial: renewed.serial, notAfter: renewed.notAfter.toISOString() } });
  const targets = await lab.services.targets.list();
  expect(targets).toMatchObject([
    { host: 'b', exporter: 'blackbox', serial: other, state: 'pending', job: 'web', labels: { env: 'prod' } },
    { host: 'b', exporter: 'node', serial: newest, state: 'published', target: '198.51.100.2:9100' },
  ]);
  expect(hosts[1]?.exporters).toEqual(targets);
});

it('a list asks the database as often for twenty hosts as for two', async () => {
  const statements: string[] = [];
  const lab = await openLab({
    config: SERVERS_ALLOWED,
    seams: { wrapDialect: watchStatements((sql) => void statements.push(sql)) },
  });
  const asked = async (list: () => Promise<unknown[]>, length: number) => {
    statements.length = 0;
    expect(await list()).toHaveLength(length);
    return statements.length;
  };
  await joinFleet(lab, 1, 2);
  const [hosts, targets] = [await asked(lab.services.hosts.list, 2), await asked(lab.services.targets.list, 2)];
  await joinFleet(lab, 3, 20);
  expect(await asked(lab.services.hosts.list, 20)).toBe(hosts);
  expect(await asked(lab.services.targets.list, 20)).toBe(targets);
});
