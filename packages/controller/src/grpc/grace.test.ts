import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { describe, expect, it, vi } from 'vitest';
import { readStore } from '../store/read-store.ts';
import { dial, enrollOver, renewOver, type Identity } from '../testing/client.ts';
import { newToken, report } from '../testing/host.ts';
import { startLab, type RunningLab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';
import { METHOD_POLICIES } from './methods.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const DAY_MS = 86_400_000;
const NOTHING = { agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [] };
const REFUSED = { code: 'IDENTITY_REJECTED' };
const IDENTITY = { $case: 'identity', value: {} } as const;

/** A host that was switched off, and how many days later it is. */
async function afterDays(days: number, config: Record<string, unknown> = {}) {
  const lab = await startLab({ config: { policy: { allowed_networks: ['127.0.0.0/8'] }, ...config } });
  const identity = await enrollOver(lab, await newToken(lab));
  await dial(lab, identity).checkIn({ ...NOTHING, exporters: [report()] });
  lab.clock.advance(days * DAY_MS);
  return { lab, identity };
}

const request = async () => createCertificateRequest(await generatePrivateKey());
const lastReason = (lab: RunningLab) =>
  lab.logged
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .findLast(({ msg }) => msg === 'identity rejected')?.['reason'];
const goOn = async (lab: RunningLab, identity: Identity) => dial(lab, await renewOver(lab, identity)).checkIn(NOTHING);

describe('an identity that has ended', () => {
  it('opens one entry of the table of methods', () => {
    const open = Object.entries(METHOD_POLICIES).filter(([, { lapsed }]) => lapsed === true);
    expect(open.map(([path]) => path)).toEqual(['/torchpass.v1.AgentService/IssueCertificate']);
  });

  it('gets the next one and nothing else; that is on record', async () => {
    const { lab, identity } = await afterDays(45);
    const agent = dial(lab, identity);
    const exporter = { $case: 'exporter', value: { name: 'node' } } as const;
    await expect(agent.checkIn(NOTHING)).rejects.toMatchObject(REFUSED);
    await expect(agent.leave({})).rejects.toMatchObject(REFUSED);
    for (const purpose of [exporter, undefined])
      await expect(agent.issueCertificate({ certificateRequest: await request(), purpose })).rejects.toMatchObject(
        REFUSED,
      );
    await goOn(lab, identity);
    const events = await readStore(`${lab.config.storage_path}/torchpass.db`, (store) =>
      store.selectFrom('audit_log').select(['event', 'actor']).orderBy('number').execute(),
    );
    const late = events.find(({ event }) => event === 'identity.renewed_late');
    expect(JSON.parse(late?.actor ?? '[]')).toEqual(['host', 'web-1', '127.0.0.1']);
    // From now on the old one is not good for that either.
    await expect(renewOver(lab, identity)).rejects.toMatchObject(REFUSED);
  });

  it('of a connection that was open when it ended too', async () => {
    const { lab, identity } = await afterDays(29);
    const agent = dial(lab, identity);
    await agent.checkIn(NOTHING);
    lab.clock.advance(2 * DAY_MS);
    await expect(agent.checkIn(NOTHING)).rejects.toMatchObject(REFUSED);
    await agent.issueCertificate({ certificateRequest: await request(), purpose: IDENTITY });
  });

  it.each<[string, number, Record<string, unknown>]>([
    ['for longer than the grace period', 61, {}],
    ['where the operator gives no grace', 31, { certificates: { renewal_grace: '0s' } }],
  ])('gets nothing %s', async (_, days, config) => {
    const { lab, identity } = await afterDays(days, config);
    await expect(renewOver(lab, identity)).rejects.toMatchObject(REFUSED);
    expect(lastReason(lab)).toBe('its certificate has ended, and the time to renew it too');
  });

  it('gets nothing when its host was thrown out meanwhile', async () => {
    const { lab, identity } = await afterDays(45);
    await lab.services.hosts.revoke('web-1', 'sold', OPERATOR);
    await expect(renewOver(lab, identity)).rejects.toMatchObject(REFUSED);
  });

  it('gets nothing when a later one was in use; the host goes on, it is not quarantined', async () => {
    const { lab, identity } = await afterDays(20);
    const renewed = await renewOver(lab, identity);
    await dial(lab, renewed).checkIn(NOTHING);
    lab.clock.advance(15 * DAY_MS);
    await expect(renewOver(lab, identity)).rejects.toMatchObject(REFUSED);
    expect(lastReason(lab)).toMatch(/has ended, and its successor is in use: a copied disk/);
    await dial(lab, renewed).checkIn(NOTHING);
    expect((await lab.services.hosts.show('web-1')).state).toBe('active');
  });

  it('gets the next one also when the answer to its last renewal was lost, and that certificate has ended too', async () => {
    const { lab, identity } = await afterDays(25);
    const certificateRequest = await request();
    await dial(lab, identity).issueCertificate({ certificateRequest, purpose: IDENTITY });
    lab.clock.advance(31 * DAY_MS);
    const again = dial(lab, identity).issueCertificate({ certificateRequest, purpose: IDENTITY });
    // The agent gives that key up and makes another.
    await expect(again).rejects.toMatchObject({ code: 'KEY_REUSED' });
    await goOn(lab, identity);
  });
});
