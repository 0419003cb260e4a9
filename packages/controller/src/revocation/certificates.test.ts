import { TargetState } from '@torchpass/protocol';
import { certificatesFromPem, describeCertificate } from '@torchpass/pki';
import { readFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { enrolment, joinHost, newKey, newToken, report, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';
import { published } from '../testing/published.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const openAllowed = () => openLab({ config: SERVERS_ALLOWED });
const revoke = (lab: Lab, serial: string) => lab.services.certificates.revoke(serial, 'keyCompromise', OPERATOR);
const events = async (lab: Lab) =>
  (await lab.store.selectFrom('audit_log').select(['event', 'subject']).execute()).map((row) => Object.values(row));

describe('a revoked exporter certificate', () => {
  it('takes its target off, until another certificate was seen', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    const serial = await host.serve();
    expect(await published(lab)).toEqual(['node.json 198.51.100.7:9100']);
    const { certificate, remarks } = await revoke(lab, serial);
    expect(certificate).toMatchObject({ serial, state: 'revoked', reason: 'keyCompromise', newest: true });
    expect(remarks.join(' ')).toMatch(/target is gone .* Prometheus reads no revocation list/);
    expect(await published(lab)).toEqual([]);
    expect(lab.cuts).toEqual([[serial]]);
    expect(await events(lab)).toContainEqual(['certificate.revoked', serial]);

    const looks = lab.outside.looks.length;
    const servingSerial = Buffer.from(serial, 'hex');
    expect(await host.checkIn([report({ servingSerial })])).toMatchObject([
      { renew: true, state: TargetState.PENDING, problem: expect.stringMatching(/revoked/) as string },
    ]);
    expect(lab.outside.looks).toHaveLength(looks);
    expect(await published(lab)).toEqual([]);

    lab.clock.advance(1000);
    const fresh = await host.serve();
    expect(fresh).not.toBe(serial);
    expect(await published(lab)).toEqual(['node.json 198.51.100.7:9100']);
    expect(await host.checkIn([report({ servingSerial: Buffer.from(fresh, 'hex') })])).toMatchObject([
      { renew: false, state: TargetState.PUBLISHED, problem: '' },
    ]);
  });

  it('is not published again by a look that was under way', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    lab.outside.answer = async ({ serial }) => {
      await revoke(lab, serial);
      return undefined;
    };
    await host.serve();
    expect(lab.outside.looks).toHaveLength(1);
    expect(await published(lab)).toEqual([]);
  });

  it('that was replaced before leaves the target where it is, and says that another is good', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    const old = await host.serve();
    lab.clock.advance(1000);
    const fresh = await host.serve();
    const { remarks } = await revoke(lab, old);
    expect(await published(lab)).toEqual(['node.json 198.51.100.7:9100']);
    expect(remarks.at(-1)).toContain(fresh);
  });

  it('revoked again changes nothing and is no second entry of the audit log', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    const serial = await host.serve();
    const first = await revoke(lab, serial);
    lab.clock.advance(1000);
    const again = await lab.services.certificates.revoke(serial, 'superseded', OPERATOR);
    expect(again.certificate).toEqual(first.certificate);
    expect((await events(lab)).filter(([event]) => event === 'certificate.revoked')).toHaveLength(1);
    expect(lab.cuts).toHaveLength(1);
  });
});

describe('a revoked identity', () => {
  it('leaves the host and its targets, and refuses the repeat of its enrolment as any token is refused', async () => {
    const lab = await openAllowed();
    const [token, key] = [await newToken(lab), await newKey()];
    const { certificate } = await lab.enrol(enrolment(token, key));
    expect((await lab.enrol(enrolment(token, key))).certificate).toEqual(certificate);
    const { remarks } = await revoke(lab, certificate.serial);
    expect(remarks.join(' ')).toMatch(/"web-1" can renew nothing/);
    expect(lab.cuts).toEqual([[certificate.serial]]);
    expect(await lab.services.hosts.show('web-1')).toMatchObject({ state: 'active' });
    await expect(lab.enrol(enrolment(token, key))).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
  });
});

it('a revoked token refuses the repeat of an earlier enrolment', async () => {
  const lab = await openAllowed();
  const [token, key] = [await newToken(lab), await newKey()];
  await lab.enrol(enrolment(token, key));
  await lab.services.tokens.revoke(token.id, OPERATOR);
  await expect(lab.enrol(enrolment(token, key))).rejects.toMatchObject({ code: 'TOKEN_REJECTED' });
});

describe("the installation's own", () => {
  it('web certificate is made anew with another key', async () => {
    const lab = await openAllowed();
    const read = async () => {
      const [leaf] = certificatesFromPem(await readFile(lab.paths.webCertificate));
      return describeCertificate(leaf as Buffer);
    };
    const before = await read();
    await revoke(lab, before.serial);
    expect(lab.hurried).toBe(1);
    await lab.prometheusFolder.refresh();
    const after = await read();
    expect(after.serial).not.toBe(before.serial);
    expect(after.fingerprint).not.toBe(before.fingerprint);
    await lab.prometheusFolder.refresh();
    expect((await read()).serial).toBe(after.serial);
  });

  it('scraper certificate is not revoked, since that would shut nobody out', async () => {
    const lab = await openAllowed();
    const { certificates } = await lab.services.certificates.list({ role: 'scraper', all: false });
    const serial = certificates[0]?.serial ?? '';
    await expect(revoke(lab, serial)).rejects.toMatchObject({ code: 'REVOCATION_REFUSED' });
    expect(await lab.services.certificates.list({ role: 'scraper', all: false })).toMatchObject({
      certificates: [{ serial, state: 'good' }],
    });
  });
});

describe('the list', () => {
  it('has what is good, by host and role, and all of it when asked', async () => {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    await joinHost(lab, { name: 'web-2', address: '198.51.100.8' });
    const old = await host.serve();
    lab.clock.advance(1000);
    const fresh = await host.serve();
    await revoke(lab, old);
    const list = async (filter: object) => {
      const { certificates } = await lab.services.certificates.list({ all: false, ...filter });
      return certificates.map(({ serial, state, newest }) => `${serial} ${state}${newest ? ' newest' : ''}`);
    };
    const identity = host.enrolled.certificate.serial;
    expect(await list({ host: 'web-1' })).toEqual([`${identity} good newest`, `${fresh} good newest`]);
    expect(await list({ host: 'web-1', role: 'exporter', all: true })).toEqual([
      `${fresh} good newest`,
      `${old} revoked`,
    ]);
    expect(await list({ role: 'agent' })).toHaveLength(2);
    expect(await list({ role: 'controller' })).toEqual([]);
    lab.clock.advance(8 * 86_400_000);
    expect(await list({ host: 'web-1', role: 'exporter' })).toEqual([]);
    expect(await list({ host: 'web-1', role: 'exporter', all: true })).toEqual([
      `${fresh} ended newest`,
      `${old} revoked`,
    ]);
  });

  it('knows no serial number that is not there', async () => {
    const lab = await openAllowed();
    await expect(revoke(lab, 'ab'.repeat(16))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
