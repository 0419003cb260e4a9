import { X509Certificate } from 'node:crypto';
import { createCertificateRequest, generatePrivateKey } from '@torchpass/pki';
import { describe, expect, it, vi } from 'vitest';
import { readStore } from '../store/read-store.ts';
import { dial, enrollOver, renewOver, type Identity } from '../testing/client.ts';
import { newToken } from '../testing/host.ts';
import { startLab, type RunningLab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const NOTHING = { agentVersion: '', rootsDigest: Buffer.alloc(0), exporters: [] };
const REFUSED = { code: 'IDENTITY_REJECTED' };

const join = async (lab: RunningLab, name = 'web-1') => enrollOver(lab, await newToken(lab), name);
/** A pass of an agent: a connection of its own. */
const pass = (lab: RunningLab, identity: Identity) => dial(lab, identity).checkIn(NOTHING);
const serialOf = ({ chain }: Identity) => new X509Certificate(chain).serialNumber.toLowerCase();
const stateOf = async (lab: RunningLab, name = 'web-1') => (await lab.services.hosts.show(name)).state;

function lines(lab: RunningLab, message: string): Record<string, unknown>[] {
  const all = lab.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
  return all.filter(({ msg }) => msg === message);
}

function audited(lab: RunningLab) {
  return readStore(`${lab.config.storage_path}/torchpass.db`, (store) =>
    store.selectFrom('audit_log').selectAll().orderBy('number').execute(),
  );
}

describe('two machines with one identity', () => {
  it('are found when the copy comes back after the original has renewed; other hosts go on', async () => {
    const lab = await startLab();
    const [copied, other] = [await join(lab), await join(lab, 'web-2')];
    await pass(lab, copied);
    const renewed = await renewOver(lab, copied);
    await pass(lab, renewed);

    await expect(pass(lab, copied)).rejects.toMatchObject(REFUSED);
    expect(await stateOf(lab)).toBe('quarantined');
    await expect(pass(lab, renewed)).rejects.toMatchObject(REFUSED);
    expect(lines(lab, 'identity rejected').at(-1)?.['reason']).toMatch(
      /^the host is quarantined: Its identity \w+ was/,
    );
    await pass(lab, other);
    expect(await stateOf(lab, 'web-2')).toBe('active');

    const quarantined = (await audited(lab)).find(({ event }) => event === 'host.quarantined');
    expect(quarantined).toMatchObject({ subject: 'web-1' });
    expect(JSON.parse(quarantined?.details ?? '')).toMatchObject({ from: '127.0.0.1' });
    const { quarantine } = await lab.services.hosts.show('web-1');
    expect(quarantine?.reason).toMatch(/used from 127\.0\.0\.1 after its successor \w+ had come into use/);
    expect((await lab.services.status()).hosts).toMatchObject({ active: 1, quarantined: 1 });
  });

  it.each([
    ['the first', 0],
    ['the second', 1],
  ])('are found when both have renewed from the same identity and %s calls first', async (_, first) => {
    const lab = await startLab();
    const copied = await join(lab);
    await pass(lab, copied);
    const both = [await renewOver(lab, copied), await renewOver(lab, copied)] as const;
    const [early, late] = first === 0 ? both : [both[1], both[0]];
    await pass(lab, early);
    // When the newer one comes second it is served; the next pass of the older one shows them.
    const passes = [await Promise.allSettled([pass(lab, late)]), await Promise.allSettled([pass(lab, early)])].flat();
    expect(passes.at(-1)).toMatchObject({ status: 'rejected', reason: REFUSED });
    expect(await stateOf(lab)).toBe('quarantined');
  });

  it('a copy of before gets nothing when the newest identity is revoked, and cannot have the host quarantined', async () => {
    const lab = await startLab();
    const copied = await join(lab);
    const renewed = await renewOver(lab, copied);
    await pass(lab, renewed);
    await lab.services.certificates.revoke(serialOf(renewed), 'keyCompromise', OPERATOR);
    await expect(pass(lab, copied)).rejects.toMatchObject(REFUSED);
    await expect(renewOver(lab, copied)).rejects.toMatchObject(REFUSED);
    expect(await stateOf(lab)).toBe('active');
  });

  it('get nothing any more: no certificate, and nobody can leave in their name', async () => {
    const lab = await startLab();
    const copied = await join(lab);
    const renewed = await renewOver(lab, copied);
    await pass(lab, renewed);
    await expect(pass(lab, copied)).rejects.toMatchObject(REFUSED);
    for (const identity of [copied, renewed]) {
      await expect(renewOver(lab, identity)).rejects.toMatchObject(REFUSED);
      await expect(dial(lab, identity).leave({})).rejects.toMatchObject(REFUSED);
    }
    expect(await stateOf(lab)).toBe('quarantined');
  });
});

describe('an operator releases the host', () => {
  const quarantined = async () => {
    const lab = await startLab();
    const snapshot = await join(lab);
    await pass(lab, snapshot);
    const renewed = await renewOver(lab, snapshot);
    await pass(lab, renewed);
    await expect(pass(lab, snapshot)).rejects.toMatchObject(REFUSED);
    return { lab, snapshot, renewed };
  };

  it('a machine that was set back to a snapshot goes on, and renews', async () => {
    const { lab, snapshot } = await quarantined();
    const { host, remarks } = await lab.services.hosts.release('web-1', OPERATOR);
    expect(host).toMatchObject({ state: 'active', quarantine: null });
    expect(remarks.join(' ')).toContain('--replace web-1');
    await pass(lab, snapshot);
    await pass(lab, await renewOver(lab, snapshot));
    expect(await stateOf(lab)).toBe('active');
    expect((await audited(lab)).map(({ event }) => event)).toContain('host.released');
  });

  it('two machines that are still there are found again', async () => {
    const { lab, snapshot, renewed } = await quarantined();
    await lab.services.hosts.release('web-1', OPERATOR);
    await pass(lab, snapshot);
    await pass(lab, renewed);
    await expect(pass(lab, snapshot)).rejects.toMatchObject(REFUSED);
    expect(await stateOf(lab)).toBe('quarantined');
  });

  it('only one that is quarantined, and one that was thrown out instead is gone', async () => {
    const { lab } = await quarantined();
    await expect(lab.services.hosts.release('web-9', OPERATOR)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await lab.services.hosts.revoke('web-1', '', OPERATOR);
    await expect(lab.services.hosts.release('web-1', OPERATOR)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('an agent that follows the rules is never quarantined', () => {
  it('when answers are lost it goes on with the old identity, and the same key gets the same certificate', async () => {
    const lab = await startLab();
    const identity = await join(lab);
    const certificateRequest = createCertificateRequest(await generatePrivateKey());
    const ask = () =>
      dial(lab, identity).issueCertificate({ certificateRequest, purpose: { $case: 'identity', value: {} } });
    const first = await ask();
    await pass(lab, identity);
    expect(await ask()).toEqual(first);
    // The key that was pending is given up, and its certificate is never used.
    await pass(lab, identity);
    await pass(lab, await renewOver(lab, identity));
    expect(await stateOf(lab)).toBe('active');
  });

  it('what it said on a connection from before its successor was used is refused when it arrives after, and no more', async () => {
    const lab = await startLab();
    const identity = await join(lab);
    const early = dial(lab, identity);
    await early.checkIn(NOTHING);
    const renewed = await renewOver(lab, identity);
    await pass(lab, renewed);
    await expect(early.checkIn(NOTHING)).rejects.toMatchObject(REFUSED);
    expect(await stateOf(lab)).toBe('active');
    await pass(lab, renewed);
  });

  it('not by a controller that starts anew either', async () => {
    const lab = await startLab();
    const identity = await join(lab);
    const renewed = await renewOver(lab, identity);
    await pass(lab, renewed);
    await lab.close();
    const next = await startLab({ folder: lab.folder });
    await pass(next, renewed);
    expect(await stateOf(next)).toBe('active');
    await expect(pass(next, identity)).rejects.toMatchObject(REFUSED);
    expect(await stateOf(next)).toBe('quarantined');
  });
});
