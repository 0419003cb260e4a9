import { TargetState } from '@torchpass/protocol';
import { describe, expect, it, vi } from 'vitest';
import type { CreateTokenInput } from '../api/types.ts';
import {
  enrolment,
  hostRow,
  joinHost,
  newKey,
  newToken,
  report,
  SERVERS_ALLOWED,
  type LabHost,
} from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';
import { published } from '../testing/published.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const REJECTED = { code: 'TOKEN_REJECTED' };
const LABELS = { env: 'prod' };

async function labWithHost(): Promise<{ lab: Lab; host: LabHost; serial: string }> {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  const host = await joinHost(lab, { token: { job: 'edge', labels: LABELS } });
  return { lab, host, serial: await host.serve() };
}

const replacement = (lab: Lab, change: Partial<CreateTokenInput> = {}) =>
  newToken(lab, { replace: 'web-1', ...change });
const certificates = (lab: Lab) => lab.store.selectFrom('certificates').selectAll().where('host_id', 'is not', null);

describe('a server that was reinstalled takes the place of its host', () => {
  it('with the same record and labels; every certificate of before is revoked at once', async () => {
    const { lab } = await labWithHost();
    const before = await hostRow(lab, 'web-1');
    const old = await certificates(lab).execute();
    const { hostName, certificate } = await lab.enrol(
      enrolment(await replacement(lab), await newKey(), { hostName: 'localhost', agentVersion: '9.9' }),
    );
    expect(hostName).toBe('web-1');
    expect(await hostRow(lab, 'web-1')).toMatchObject({ id: before.id, labels: before.labels, agent_version: '9.9' });
    const rows = await certificates(lab).execute();
    expect(rows.filter(({ revoked_at: at }) => at === null).map(({ serial }) => serial)).toEqual([certificate.serial]);
    expect(rows.filter(({ revocation_reason: why }) => why === 'superseded')).toHaveLength(old.length);
    const log = await lab.store.selectFrom('audit_log').select('event').orderBy('number').execute();
    expect(log.map(({ event }) => event)).toContain('host.replaced');
  });

  it('its target stays published until the new exporter was seen, also when that is elsewhere', async () => {
    const { lab, host, serial } = await labWithHost();
    const before = await published(lab);
    await lab.enrol(enrolment(await replacement(lab), await newKey(), { address: '198.51.100.8' }));
    lab.outside.answer = () => 'nothing answers yet';
    await host.serve({}, '198.51.100.8');
    expect(await published(lab)).toEqual(before);
    lab.outside.answer = () => undefined;
    const newest = await host.serve({}, '198.51.100.8');
    expect(newest).not.toBe(serial);
    expect(await published(lab)).toEqual(['edge.json 198.51.100.8:9100']);
    expect(await lab.services.targets.list()).toMatchObject([{ labels: LABELS, serial: newest, state: 'published' }]);
  });

  it('an exporter that still serves a certificate of before is told to renew, and not looked at', async () => {
    const { lab, host, serial } = await labWithHost();
    await lab.enrol(enrolment(await replacement(lab), await newKey()));
    await lab.store.updateTable('exporters').set({ seen_serial: null }).execute();
    const looks = lab.outside.looks.length;
    const [answer] = await host.checkIn([report({ servingSerial: Buffer.from(serial, 'hex') })]);
    expect(answer).toMatchObject({ renew: true, state: TargetState.PUBLISHED });
    expect(lab.outside.looks).toHaveLength(looks);
  });

  it('and ends its quarantine', async () => {
    const { lab } = await labWithHost();
    const quarantine = {
      state: 'quarantined',
      quarantined_at: '2026-01-01T00:00:00.000Z',
      quarantine_reason: 'x',
    } as const;
    await lab.store.updateTable('hosts').set(quarantine).execute();
    await lab.enrol(enrolment(await replacement(lab), await newKey()));
    expect(await lab.services.hosts.show('web-1')).toMatchObject({ state: 'active', quarantine: null });
    // Which of two machines answered there, nobody knows.
    expect(await published(lab)).toEqual([]);
  });

  it('what the machine before said of its trust does not count for the new one', async () => {
    const { lab } = await labWithHost();
    await lab.store.updateTable('hosts').set({ roots_digest: 'aa', identity_serial: 'bb' }).execute();
    await lab.store.updateTable('exporters').set({ scrapers_digest: 'cc', started_for: 3 }).execute();
    await lab.enrol(enrolment(await replacement(lab), await newKey()));
    expect(await hostRow(lab, 'web-1')).toMatchObject({ roots_digest: null, identity_serial: null });
    const fresh = { seen_serial: null, scrapers_digest: null, started_for: 0 };
    expect(await lab.store.selectFrom('exporters').selectAll().execute()).toMatchObject([fresh]);
  });
});

describe('it is an exception that an operator makes once', () => {
  it('without it the name is taken, and the hint says what to do', async () => {
    const { lab } = await labWithHost();
    await expect(lab.enrol(enrolment(await newToken(lab), await newKey()))).rejects.toMatchObject({
      code: 'HOST_NAME_TAKEN',
      hint: expect.stringContaining('torchpass token create --replace web-1') as string,
    });
  });

  it('a second use fails; the same key gets the same answer again', async () => {
    const { lab } = await labWithHost();
    const [token, key] = [await replacement(lab), await newKey()];
    const first = await lab.enrol(enrolment(token, key));
    expect(await lab.enrol(enrolment(token, key))).toEqual(first);
    await expect(lab.enrol(enrolment(token, await newKey()))).rejects.toMatchObject(REJECTED);
    expect((await lab.services.hosts.show('web-1')).identity?.serial).toBe(first.certificate.serial);
  });

  it('is for this host, not for whoever has its name later', async () => {
    const { lab } = await labWithHost();
    const token = await replacement(lab);
    await lab.services.hosts.revoke('web-1', '', OPERATOR);
    await expect(lab.enrol(enrolment(token, await newKey()))).rejects.toMatchObject(REJECTED);
    const next = await joinHost(lab, {});
    await expect(lab.enrol(enrolment(token, await newKey()))).rejects.toMatchObject(REJECTED);
    expect((await lab.services.hosts.show('web-1')).identity?.serial).toBe(next.enrolled.certificate.serial);
    expect(await lab.services.tokens.list()).toContainEqual(expect.objectContaining({ replaces: true, uses: 0 }));
  });

  it('with a key that the host had before it is refused, and not used up', async () => {
    const lab = await openLab();
    const key = await newKey();
    await lab.enrol(enrolment(await newToken(lab), key));
    const token = await replacement(lab);
    await expect(lab.enrol(enrolment(token, key))).rejects.toMatchObject({ code: 'KEY_REUSED' });
    await lab.enrol(enrolment(token, await newKey()));
  });

  it.each<[string, Partial<CreateTokenInput>, string]>([
    ['a host that is not there', { replace: 'web-9' }, 'NOT_FOUND'],
    ['labels of its own', { labels: { env: 'test' } }, 'REQUEST_INVALID'],
    ['more uses', { uses: 2 }, 'REQUEST_INVALID'],
    ['another name', { hostName: 'web-2' }, 'REQUEST_INVALID'],
    ['no name', { replace: '../x' }, 'NAME_INVALID'],
  ])('a token cannot be made for %s', async (_, change, code) => {
    const { lab } = await labWithHost();
    await expect(replacement(lab, change)).rejects.toMatchObject({ code });
  });
});
