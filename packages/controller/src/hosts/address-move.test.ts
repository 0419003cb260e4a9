import { describeCertificate } from '@torchpass/pki';
import { readTargets } from '@torchpass/prometheus';
import { TargetState } from '@torchpass/protocol';
import { expect, it, vi } from 'vitest';
import { hostRow, joinHost, newKey, report, SERVER, SERVERS_ALLOWED, type LabHost } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { published } from '../testing/published.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const NEW = '198.51.100.8';
const V6 = '2001:db8::7';
const HOUR = 3_600_000;

/** Every content that the target files had, as lists of addresses. */
function watchFiles(lab: Lab): string[][] {
  const seen: string[][] = [];
  const write = lab.files.write.bind(lab.files);
  vi.spyOn(lab.files, 'write').mockImplementation(async (path, content, staging) => {
    const text = typeof content.data === 'string' ? content.data : '[]';
    if (path.startsWith(lab.paths.targets)) seen.push(readTargets(text).map(({ address }) => address));
    return write(path, content, staging);
  });
  return seen;
}

/** What the agent does when it is told names that its certificate does not have. Answers the names of the new one. */
async function certify(lab: Lab, address: string) {
  const { publicKey } = await newKey();
  const issued = await lab.certificates.exporter(await hostRow(lab, 'web-1'), 'node', publicKey, address);
  const [leaf] = issued.chain;
  if (leaf === undefined) throw new Error('there is no certificate');
  return { serial: issued.serial, names: describeCertificate(leaf).ipAddresses };
}

const serving = (serial: string) => [report({ servingSerial: Buffer.from(serial, 'hex') })];

it('an agent that comes from a new address is certified for it, seen there, and moved in one publication', async () => {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  const host = await joinHost(lab, {});
  const old = await host.serve();
  const files = watchFiles(lab);

  // It reports from the new address: policy decides, the agent is told other names, nothing is published yet.
  const [told] = await host.checkIn(serving(old), NEW);
  expect(told).toMatchObject({ ipAddresses: [NEW], target: `${NEW}:9100`, state: TargetState.PENDING });
  const { serial, names } = await certify(lab, NEW);
  expect(names).toEqual([NEW]);
  expect(await published(lab)).toEqual([`node.json ${SERVER}:9100`]);

  // Not yet reachable there: it stays where it was.
  lab.outside.answer = () => 'a firewall is in the way';
  expect(await host.checkIn(serving(serial), NEW)).toMatchObject([{ state: TargetState.PENDING }]);
  expect(await published(lab)).toEqual([`node.json ${SERVER}:9100`]);

  // Seen there with exactly this certificate: one writing, from one address to the other.
  lab.outside.answer = ({ host: seen, serial: served }) => (seen === NEW && served === serial ? undefined : 'not it');
  expect(await host.checkIn(serving(serial), NEW)).toMatchObject([{ state: TargetState.PUBLISHED }]);
  expect(files).toEqual([[`${NEW}:9100`]]);
});

it('an agent that comes from an address that the policy does not allow is not certified for it', async () => {
  const target_networks = [`${SERVER}/32`];
  const policy = { ...SERVERS_ALLOWED.policy, target_networks };
  const lab = await openLab({ config: { policy } });
  const host = await joinHost(lab, {});
  const old = await host.serve();
  expect(await host.checkIn(serving(old), NEW)).toMatchObject([
    { state: TargetState.REFUSED, ipAddresses: [], problem: expect.stringContaining(NEW) as string },
  ]);
  await expect(certify(lab, NEW)).rejects.toMatchObject({ code: 'EXPORTER_REFUSED' });
});

/** A host that is published at its IPv4 address. */
async function published4(): Promise<{ lab: Lab; host: LabHost; serial: string }> {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  const host = await joinHost(lab, {});
  return { lab, host, serial: await host.serve() };
}

it('a host with both protocols keeps its target, whichever it comes by, and is renewed there', async () => {
  const { lab, host, serial } = await published4();
  for (const address of [V6, SERVER, V6, V6]) {
    lab.clock.advance(HOUR / 4);
    const [answer] = await host.checkIn(serving(serial), address);
    expect(answer).toMatchObject({ ipAddresses: [SERVER], state: TargetState.PUBLISHED });
  }
  expect((await certify(lab, V6)).names).toEqual([SERVER]);
  expect(lab.outside.looks).toHaveLength(1);
});

it('one that comes by the other protocol only, for an hour, has moved', async () => {
  const { lab, host, serial } = await published4();
  lab.clock.advance(HOUR - 1);
  expect(await host.checkIn(serving(serial), V6)).toMatchObject([{ ipAddresses: [SERVER] }]);
  lab.clock.advance(1);
  expect(await host.checkIn(serving(serial), V6)).toMatchObject([{ ipAddresses: [V6], state: TargetState.PENDING }]);
  expect(await published(lab)).toEqual([`node.json ${SERVER}:9100`]);
  const renewed = await certify(lab, V6);
  await host.checkIn(serving(renewed.serial), V6);
  expect(await published(lab)).toEqual([`node.json [${V6}]:9100`]);
});

it('one that comes from another address of the same protocol has left the first at once', async () => {
  const { lab, host, serial } = await published4();
  await host.checkIn(serving(serial), V6);
  expect(await host.checkIn(serving(serial), NEW)).toMatchObject([{ ipAddresses: [NEW] }]);
  await expect(certify(lab, SERVER)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
});
