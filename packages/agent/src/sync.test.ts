import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@torchpass/core';
import type { DesiredExporter } from '@torchpass/protocol';
import { TargetState } from '@torchpass/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FakeExporter, startFakeExporter } from './testing/fake-exporter.ts';
import { createInstallation, LIFETIME_MS } from './testing/installation.ts';
import { type Lab, startLab } from './testing/lab.ts';

let lab: Lab;
const opened: FakeExporter[] = [];
beforeEach(async () => {
  lab = await startLab();
  await lab.agent().enroll(lab.controller.token());
  lab.controller.book.calls = [];
});
afterEach(async () => {
  await lab.close();
  for (const exporter of opened.splice(0)) await exporter.close();
});

const webConfig = () => readFile(lab.exporterSettings.webConfig, 'utf8');
const generations = () => readdir(join(lab.settings.storagePath, 'exporters/node/generations'));

test('when all is well, a pass is one check-in and changes nothing', async () => {
  const before = await Promise.all([webConfig(), generations()]);
  const report = await lab.agent().sync();
  expect(report).toMatchObject({ complete: true, comeBackMs: 60_000 });
  expect(report.due.getTime()).toBeGreaterThan(Date.now() + 4 * 86_400_000);
  expect(lab.controller.book.calls).toEqual(['checkIn']);
  expect(await Promise.all([webConfig(), generations()])).toEqual(before);
});

describe('a renewal', () => {
  test('when forced, renews everything without a restart, and keeps the old files for who still reads them', async () => {
    const before = await lab.agent().status();
    expect(await lab.agent().sync({ renew: true })).toMatchObject({ complete: true });
    const after = await lab.agent().status();
    expect(after.identity.serial).not.toBe(before.identity.serial);
    expect(after.exporters[0]?.certificate?.serial).not.toBe(before.exporters[0]?.certificate?.serial);
    expect(after.exporters[0]?.serving).toMatchObject({
      locked: true,
      serial: after.exporters[0]?.certificate?.serial,
    });
    expect(lab.exporter.restarts).toBe(1);
    expect(await generations()).toContain(before.exporters[0]?.certificate?.serial);
  });

  test('happens when the controller asks for it', async () => {
    const before = await lab.agent().status();
    Object.assign(lab.controller.book, { renewExporters: true, renewIdentity: true });
    await lab.agent().sync();
    const after = await lab.agent().status();
    expect(after.identity.serial).not.toBe(before.identity.serial);
    expect(after.exporters[0]?.certificate?.serial).not.toBe(before.exporters[0]?.certificate?.serial);
  });

  test('happens when the names change', async () => {
    lab.controller.book.names = { dnsNames: ['web-1.example.org'], ipAddresses: ['127.0.0.1'] };
    await lab.agent().sync();
    const { certificate } = (await lab.agent().status()).exporters[0] ?? {};
    expect(certificate?.names).toEqual(['web-1.example.org', '127.0.0.1']);
    expect(lab.controller.book.calls).toEqual(['checkIn', 'issueCertificate', 'checkIn']);
  });

  test.each([
    ['at 69 % of the life nothing', 0.69, ['checkIn']],
    ['at 91 % everything', 0.91, ['issueCertificate', 'checkIn', 'issueCertificate', 'checkIn']],
  ])('is due by age: %s', async (_, share, calls) => {
    let behindMs = share * LIFETIME_MS;
    const clock = { now: () => new Date(Date.now() - behindMs), sleep: systemClock.sleep };
    const old = await startLab({ installation: await createInstallation(clock) });
    try {
      await old.agent({ clock }).enroll(old.controller.token());
      behindMs = 0;
      old.controller.book.calls = [];
      expect(await old.agent().sync()).toMatchObject({ complete: true });
      expect(old.controller.book.calls).toEqual(calls);
    } finally {
      await old.close();
    }
  });

  test('a lost web configuration is written again, without a new certificate', async () => {
    const text = await webConfig();
    await rm(lab.exporterSettings.webConfig);
    expect(await lab.agent().sync()).toMatchObject({ complete: true });
    expect(await webConfig()).toBe(text);
    expect(lab.controller.book.calls).not.toContain('issueCertificate');
  });

  test.each(['key.pem', 'certificate.pem', 'client-ca.pem'])(
    'a damaged %s is replaced by a new certificate',
    async (name) => {
      const [serial = ''] = await generations();
      await writeFile(join(lab.settings.storagePath, 'exporters/node/generations', serial, name), 'torn');
      expect(await lab.agent().sync()).toMatchObject({ complete: true });
      expect((await lab.agent().status()).exporters[0]?.serving).toMatchObject({ locked: true });
    },
  );
});

describe('an exporter that drifts', () => {
  test('one that was started open is restarted and locked', async () => {
    const text = await webConfig();
    await writeFile(lab.exporterSettings.webConfig, '');
    await lab.exporter.restart();
    expect((await lab.agent().status()).exporters[0]?.serving).toBeNull();
    expect(await lab.agent().sync()).toMatchObject({ complete: true });
    expect(await webConfig()).toBe(text);
    expect((await lab.agent().status()).exporters[0]?.serving).toMatchObject({ locked: true });
    expect(lab.exporter.restarts).toBe(2);
  });

  test('one that was stopped is left stopped, told, and reported with what it last served', async () => {
    const { serial } = (await lab.agent().status()).exporters[0]?.certificate ?? {};
    await lab.exporter.stop();
    const report = await lab.agent().sync();
    expect(report.missing).toEqual([expect.stringMatching(/"node" cannot be tried: Nothing answers/)]);
    expect(lab.exporter.restarts).toBe(1);
    expect(lab.controller.book.reports[0]?.servingSerial.toString('hex')).toBe(serial);
    expect(lab.controller.book.reports[0]?.problem).toMatch(/Nothing answers/);
  });

  test('one that is stopped while its certificate is renewed gets the new one when it comes back', async () => {
    await lab.exporter.stop();
    lab.exporter.broken = true;
    expect(await lab.agent().sync({ renew: true })).toMatchObject({ complete: false });
    lab.exporter.broken = false;
    await lab.exporter.restart();
    const issued = lab.controller.book.issued.size;
    expect(await lab.agent().sync()).toMatchObject({ complete: true });
    expect(lab.controller.book.issued.size).toBe(issued);
    expect((await lab.stored()).filter((path) => path.includes('next-key'))).toEqual([]);
  });
});

describe('while the controller is away', () => {
  beforeEach(() => lab.controller.close());

  const failedPass = () => expect(lab.agent().sync()).rejects.toMatchObject({ code: 'CONTROLLER_UNREACHABLE' });
  const serving = async () => (await lab.agent().status()).exporters[0]?.serving;

  test('an exporter that was started open is closed again, with the certificate it had', async () => {
    const text = await webConfig();
    await writeFile(lab.exporterSettings.webConfig, '');
    await lab.exporter.restart();
    expect(await serving()).toBeNull();
    await failedPass();
    expect(await webConfig()).toBe(text);
    expect(await serving()).toMatchObject({ locked: true });
  });

  test('an exporter that is closed, and one that somebody stopped, are left alone', async () => {
    const text = await webConfig();
    await failedPass();
    await lab.exporter.stop();
    await failedPass();
    expect(await webConfig()).toBe(text);
    expect(lab.exporter.restarts).toBe(1);
  });

  test("somebody else's web configuration is left alone, and the pass fails with its own reason", async () => {
    await writeFile(lab.exporterSettings.webConfig, 'basic_auth_users: {}\n');
    await failedPass();
    expect(await webConfig()).toBe('basic_auth_users: {}\n');
  });
});

describe('a new certificate that does not work', () => {
  test('the one before comes back, the reason is told, and no certificate is wasted on the next attempts', async () => {
    const text = await webConfig();
    lab.exporter.frozenAt = text;
    const settings = { ...lab.settings, exporters: [{ ...lab.exporterSettings, restart: undefined }] };
    const report = await lab.agent({ settings }).sync({ renew: true });
    expect(report.missing).toEqual([expect.stringMatching(/"node" is not locked: The exporter serves certificate/)]);
    expect(await webConfig()).toBe(text);
    expect((await lab.agent().status()).exporters[0]?.serving).toMatchObject({ locked: true });
    const issued = lab.controller.book.issued.size;
    await lab.agent({ settings }).sync();
    expect(await webConfig()).toBe(text);
    expect(lab.controller.book.issued.size).toBe(issued);

    lab.exporter.frozenAt = undefined;
    expect(await lab.agent().sync()).toMatchObject({ complete: true });
    expect(await webConfig()).not.toBe(text);
    expect(lab.controller.book.issued.size).toBe(issued);
  });

  test('an exporter that did not survive its restart is started again with the one before', async () => {
    const text = await webConfig();
    lab.exporter.frozenAt = text;
    expect(await lab.agent().sync({ renew: true })).toMatchObject({ complete: false });
    expect(lab.exporter.restarts).toBe(2);
    expect((await lab.agent().status()).exporters[0]?.serving).toMatchObject({ locked: true });
  });
});

describe('what is not ours', () => {
  test('a web configuration of somebody else is left alone, and the other exporters are looked after', async () => {
    const foreign = join(lab.settings.storagePath, 'foreign.yml');
    const text = 'basic_auth_users: {me: hash}\n';
    await writeFile(foreign, text);
    const second = await startFakeExporter(foreign, { stopped: true });
    opened.push(second);
    const other = { ...lab.exporterSettings, name: 'other', port: second.port, webConfig: foreign, restart: undefined };
    const settings = { ...lab.settings, exporters: [other, lab.exporterSettings] };
    const report = await lab.agent({ settings }).sync({ renew: true });
    expect(report.missing).toEqual([
      expect.stringMatching(/foreign\.yml .*was not written by Torchpass.*Move it away/),
    ]);
    expect(await readFile(foreign, 'utf8')).toBe(text);
    expect(report.exporters[1]).toMatchObject({ state: TargetState.PUBLISHED, problem: undefined });
  });
});

describe('what the controller says', () => {
  const tell = (change: Partial<DesiredExporter>) => {
    lab.controller.book.answer = (desired) => ({ ...desired, ...change });
  };

  test('a refusal is passed on in its own words, and nothing is touched', async () => {
    tell({ state: TargetState.REFUSED, problem: 'Loopback is not a target.' });
    const before = await webConfig();
    const report = await lab.agent().sync();
    expect(report.missing).toEqual(['Exporter "node": Loopback is not a target.']);
    expect(await webConfig()).toBe(before);
  });

  test('a certificate for other names than announced is not put to use', async () => {
    const before = await webConfig();
    tell({ dnsNames: ['other.example.org'] });
    const report = await lab.agent().sync();
    expect(report.missing).toEqual([expect.stringMatching(/does not carry the names/)]);
    expect(await webConfig()).toBe(before);
  });

  test('a clock that differs by more than a minute is told', async () => {
    lab.controller.book.clockAheadMs = 3_600_000;
    await lab.agent().sync();
    expect(lab.said.join('\n')).toMatch(/Warning: this machine's clock is (?:1h|59m59s) behind/);
  });

  test('when it is away, that is said and nothing is changed', async () => {
    const before = await webConfig();
    const settings = { ...lab.settings, controller: { host: '127.0.0.1', port: 1 } };
    await expect(lab.agent({ settings }).sync({ renew: true })).rejects.toMatchObject({
      code: 'CONTROLLER_UNREACHABLE',
    });
    expect(await webConfig()).toBe(before);
    expect((await lab.agent().status()).last_pass?.problem).toMatch(/does not answer/);
  });
});

describe('leave', () => {
  test('ends the membership and leaves the exporter locked', async () => {
    await lab.agent().leave();
    expect(lab.controller.book.hosts).toEqual([]);
    expect((await lab.stored()).filter((path) => path.startsWith('identity'))).toEqual([]);
    expect(lab.said.at(-1)).toMatch(/stay locked/);
    await expect(lab.agent().sync()).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
    expect(await lab.agent().enroll(lab.controller.token())).toMatchObject({ complete: true });
  });

  test('also works when the controller has thrown it out already', async () => {
    lab.controller.book.hosts = [];
    await lab.agent().leave();
    await expect(lab.agent().status()).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
  });
});
