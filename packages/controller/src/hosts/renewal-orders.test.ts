import { beforeEach, describe, expect, it, vi } from 'vitest';
import { hostRow, joinHost, newKey, report, SERVER, SERVERS_ALLOWED, type LabHost } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const HOUR = 3_600_000;

let lab: Lab;
let host: LabHost;
let serial: string;
let identity: string;

beforeEach(async () => {
  lab = await openLab({ config: SERVERS_ALLOWED });
  host = await joinHost(lab, {});
  serial = await host.serve();
  identity = host.enrolled.certificate.serial;
  lab.clock.advance(1000);
});

/** When the host hears that it should renew: its identity, its exporter; in milliseconds from now. */
async function told({ address = SERVER, name = 'web-1' } = {}) {
  const { renewIdentityAt, exporters } = await lab.checkIn({
    host: await hostRow(lab, name),
    request: {
      agentVersion: '',
      rootsDigest: Buffer.alloc(0),
      exporters: [report({ servingSerial: Buffer.from(serial, 'hex') })],
    },
    address,
    identitySerial: identity,
  });
  const fromNow = (at: Date | undefined) => (at === undefined ? undefined : at.getTime() - lab.clock.now().getTime());
  return { identity: fromNow(renewIdentityAt), exporter: fromNow(exporters[0]?.renewAt) };
}

const renew = (change: object = {}) => lab.services.hosts.renew({ hosts: [], within: '1h', ...change }, OPERATOR);
const nothing = { identity: undefined, exporter: undefined };

async function newIdentity(): Promise<void> {
  identity = (await lab.certificates.identity(await hostRow(lab, 'web-1'), (await newKey()).publicKey, SERVER)).serial;
}

describe('an order to renew', () => {
  it('gives each certificate a point of its own within the time, always the same', async () => {
    expect(await told()).toEqual(nothing);
    expect(await renew()).toMatchObject({ hosts: 1 });
    const first = await told();
    for (const at of [first.identity, first.exporter]) {
      expect(at).toBeGreaterThanOrEqual(0);
      expect(at).toBeLessThanOrEqual(HOUR);
    }
    expect(first.identity).not.toBe(first.exporter);
    lab.clock.advance(1000);
    expect((await told()).identity).toBe((first.identity ?? 0) - 1000);
  });

  it('spreads a fleet that asks at the same moment', async () => {
    await renew();
    const points: number[] = [];
    for (let n = 0; n < 40; n += 1) {
      await lab.store
        .updateTable('certificates')
        .set({ serial: `${n}`.padStart(32, '5') })
        .where('serial', '=', identity)
        .execute();
      identity = `${n}`.padStart(32, '5');
      points.push((await told()).identity ?? -1);
    }
    const quarters = new Set(points.map((point) => Math.floor(point / (HOUR / 4))));
    expect(quarters).toEqual(new Set([0, 1, 2, 3]));
  });

  it('is over for a certificate that was issued after it', async () => {
    await renew({ within: '0s' });
    expect((await told()).identity).toBe(0);
    await newIdentity();
    expect((await told()).identity).toBeUndefined();
    expect((await told()).exporter).toBe(0);
  });

  it.each([
    ['identity', { identity: 0, exporter: undefined }],
    ['exporters', { identity: undefined, exporter: 0 }],
  ] as const)('of %s alone is about nothing else', async (only, expected) => {
    await renew({ hosts: ['web-1'], within: '0s', only });
    expect(await told()).toEqual(expected);
  });

  it('of one host is not about another, and names are checked first', async () => {
    await joinHost(lab, { name: 'web-2', address: '198.51.100.8' });
    lab.clock.advance(1000);
    await renew({ hosts: ['web-2'], within: '0s' });
    expect(await told()).toEqual(nothing);
    await expect(renew({ hosts: ['web-1', 'web-9'] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await told()).toEqual(nothing);
    await expect(renew({ within: '365d' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('of a clock that was set back since counts for nothing, so that nobody renews again and again', async () => {
    lab.clock.advance(400 * 24 * HOUR);
    await renew({ within: '0s' });
    lab.clock.advance(-400 * 24 * HOUR);
    for (let round = 0; round < 3; round += 1) {
      expect(await told()).toEqual(nothing);
      await newIdentity();
    }
  });

  it('is on record with who gave it', async () => {
    await renew({ hosts: ['web-1'], only: 'identity' });
    const rows = await lab.store.selectFrom('audit_log').selectAll().where('event', '=', 'renewal.ordered').execute();
    expect(rows).toMatchObject([{ subject: 'web-1', actor: '["operator","olga","socket"]' }]);
  });
});

describe('a host that calls from another address', () => {
  it('gets a new identity at once, so that two machines show; once a day at most', async () => {
    expect((await told()).identity).toBeUndefined();
    expect(await told({ address: '198.51.100.9' })).toMatchObject({ identity: 0, exporter: undefined });
    await newIdentity();
    lab.clock.advance(1000);
    expect((await told({ address: SERVER })).identity).toBeUndefined();
    lab.clock.advance(25 * HOUR);
    expect((await told({ address: '198.51.100.9' })).identity).toBe(0);
  });
});
