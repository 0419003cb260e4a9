import { beforeEach, expect, it, vi } from 'vitest';
import {
  hostRow,
  joinHost,
  newKey,
  newToken,
  enrolment,
  report,
  SERVER,
  SERVERS_ALLOWED,
  type LabHost,
} from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { published } from '../testing/published.ts';
import { findIdentity } from './generations.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

let lab: Lab;
let host: LabHost;
let serial: string;

/** What the gate asks at each call with this identity. */
async function use(identity: string): Promise<string | undefined> {
  const found = await findIdentity(lab.store, identity);
  if (found === undefined) throw new Error('there is no such identity');
  return lab.judgeGeneration({
    identity: found,
    lapsed: false,
    address: '203.0.113.9',
    connection: 2,
    newestConnection: 2,
  });
}

beforeEach(async () => {
  lab = await openLab({ config: SERVERS_ALLOWED });
  host = await joinHost(lab, {});
  serial = await host.serve();
  const renewed = await lab.certificates.identity(await hostRow(lab, 'web-1'), (await newKey()).publicKey, SERVER);
  const refused = await use(renewed.serial);
  if (refused !== undefined) throw new Error(refused);
});

/** On a connection that was accepted after the successor came into use. */
async function quarantine(): Promise<void> {
  const row = await hostRow(lab, 'web-1');
  const found = await findIdentity(lab.store, host.enrolled.certificate.serial);
  if (found === undefined) throw new Error('there is no such identity');
  const late = { identity: found, lapsed: false, address: '203.0.113.9', connection: 3, newestConnection: 3 };
  expect(await lab.judgeGeneration(late)).toMatch(/^the host is quarantined/);
  // Decided while it was good, carried out after.
  await expect(lab.certificates.identity(row, (await newKey()).publicKey, SERVER)).rejects.toMatchObject({
    code: 'IDENTITY_REJECTED',
  });
  await expect(lab.certificates.exporter(row, 'node', (await newKey()).publicKey, row.address)).rejects.toMatchObject({
    code: 'IDENTITY_REJECTED',
  });
}

it('a quarantined host stays monitored, with the certificate that was seen last', async () => {
  const before = await published(lab);
  await quarantine();
  await lab.services.targets.publish({ allowEmpty: false }, { kind: 'operator', name: '', from: 'socket' });
  expect(await published(lab)).toEqual(before);
  expect(before).toEqual(['node.json 198.51.100.7:9100']);
  expect(await lab.services.targets.list()).toMatchObject([{ state: 'published', serial }]);
});

it('keeps its name and its address', async () => {
  await quarantine();
  const again = enrolment(await newToken(lab), await newKey(), { address: '198.51.100.8' });
  await expect(lab.enrol(again)).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN' });
  const other = await joinHost(lab, { name: 'web-2' });
  expect(await other.checkIn([report()])).toMatchObject([
    { problem: expect.stringContaining('another host') as string },
  ]);
});

it('what it reported last does not move it', async () => {
  const row = await hostRow(lab, 'web-1');
  const newer = await lab.certificates.exporter(row, 'node', (await newKey()).publicKey, row.address);
  lab.outside.answer = async () => {
    await quarantine();
    return undefined;
  };
  await host.checkIn([report({ servingSerial: Buffer.from(newer.serial, 'hex') })]);
  const exporter = await lab.store.selectFrom('exporters').select('seen_serial').executeTakeFirstOrThrow();
  expect(exporter.seen_serial).toBe(serial);
});
