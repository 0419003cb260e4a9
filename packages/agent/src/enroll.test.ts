import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Secret, systemClock } from '@torchpass/core';
import { webConfigProblems } from '@torchpass/prometheus';
import { TargetState } from '@torchpass/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { divertedTo, losingAnswer } from './testing/connects.ts';
import { type FakeController, startFakeController } from './testing/fake-controller.ts';
import { createInstallation, TRUST_DOMAIN } from './testing/installation.ts';
import { isPair, type Lab, startLab } from './testing/lab.ts';

let lab: Lab;
const opened: FakeController[] = [];
beforeEach(async () => {
  lab = await startLab();
});
afterEach(async () => {
  await lab.close();
  for (const controller of opened.splice(0)) await controller.close();
});

async function another(serveAs?: { certificate: string; key: string }, installation = lab.controller.installation) {
  const controller = await startFakeController(installation, { clock: systemClock, ...(serveAs && { serveAs }) });
  opened.push(controller);
  return controller;
}

test('a host with an open exporter becomes a member whose exporter is locked and published', async () => {
  const report = await lab.agent().enroll(lab.controller.token());

  expect(report).toMatchObject({ hostName: 'web-1', complete: true, missing: [] });
  const target = `127.0.0.1:${lab.exporter.port}`;
  expect(report.exporters).toMatchObject([{ name: 'node', state: TargetState.PUBLISHED, target }]);
  expect(lab.controller.book.hosts).toHaveLength(1);
  const { serving } = (await lab.agent().status()).exporters[0] ?? {};
  expect(serving).toMatchObject({ locked: true, serial: report.exporters[0]?.servingSerial });
  expect(lab.said.join('\n')).toMatch(/Looking at the controller.*Enrolling.*This host is "web-1".*restarting/s);
});

test('keys are for their owner only, everything fits together, and nothing temporary is left', async () => {
  const report = await lab.agent().enroll(lab.controller.token());
  const generation = join('exporters', 'node', 'generations', report.exporters[0]?.servingSerial ?? '');
  expect(await lab.stored()).toEqual([
    ...['certificate.pem', 'client-ca.pem', 'key.pem'].map((name) => join(generation, name)),
    'exporters/node/web-config.yml',
    'identity/enrolment.json',
    'identity/identity.pem',
    'status.json',
  ]);
  const at = (path: string) => join(lab.settings.storagePath, path);
  const mode = async (path: string) => ((await stat(at(path))).mode & 0o777).toString(8);
  expect(await mode('.')).toBe('711');
  expect(await mode('identity')).toBe('700');
  expect(await mode('identity/identity.pem')).toBe('600');
  expect(await mode(join(generation, 'key.pem'))).toBe('600');
  expect(await isPair(at('identity/identity.pem'), at('identity/identity.pem'))).toBe(true);
  expect(await isPair(at(join(generation, 'certificate.pem')), at(join(generation, 'key.pem')))).toBe(true);
  const config = await readFile(at('exporters/node/web-config.yml'), 'utf8');
  expect(config.indexOf('client_ca_file')).toBeLessThan(config.indexOf('cert_file'));
});

test('the key belongs to the exporter through its group, when one is configured', async () => {
  const gid = process.getgid?.() ?? 0;
  const exporters = [{ ...lab.exporterSettings, owner: { uid: process.getuid?.() ?? 0, gid } }];
  const agent = lab.agent({ settings: { ...lab.settings, exporters } });
  const report = await agent.enroll(lab.controller.token());
  const folder = join(lab.settings.storagePath, 'exporters/node/generations', report.exporters[0]?.servingSerial ?? '');
  const key = await stat(join(folder, 'key.pem'));
  expect([key.mode & 0o777, key.gid]).toEqual([0o640, gid]);
  expect((await stat(folder)).mode & 0o777).toBe(0o750);
});

describe('somebody in between', () => {
  test('with another installation: the secret never leaves', async () => {
    const impostor = await another(undefined, await createInstallation(systemClock));
    const token = impostor.token({ root: lab.controller.installation.root });
    const agent = lab.agent({ settings: { ...lab.settings, controller: impostor.address } });
    await expect(agent.enroll(token)).rejects.toMatchObject({
      code: 'PIN_MISMATCH',
      hint: expect.stringMatching(/secret of the token was not sent/) as string,
    });
    expect(impostor.book).toMatchObject({ calls: [], received: 0 });
  });

  test('who lets the first look through and takes over then: the secret never leaves', async () => {
    const impostor = await another(undefined, await createInstallation(systemClock));
    const agent = lab.agent({ connect: divertedTo(impostor.address) });
    await expect(agent.enroll(lab.controller.token())).rejects.toMatchObject({ code: 'CERTIFICATE_UNTRUSTED' });
    expect(impostor.book).toMatchObject({ calls: [], received: 0 });
  });

  test.each([
    { kind: 'exporter', trustDomain: TRUST_DOMAIN, host: 'evil', name: 'node' },
    { kind: 'agent', trustDomain: TRUST_DOMAIN, host: 'evil' },
    { kind: 'scraper', trustDomain: TRUST_DOMAIN, name: 'evil' },
  ] as const)('with the $kind certificate of a member, at the first look or later', async (id) => {
    const impostor = await another(await lab.controller.installation.pair(id, true));
    const atFirst = lab.agent({ settings: { ...lab.settings, controller: impostor.address } });
    await expect(atFirst.enroll(impostor.token())).rejects.toMatchObject({ code: 'CERTIFICATE_UNTRUSTED' });
    const later = lab.agent({ connect: divertedTo(impostor.address) });
    await expect(later.enroll(lab.controller.token())).rejects.toMatchObject({ code: 'CERTIFICATE_UNTRUSTED' });
    expect(impostor.book).toMatchObject({ calls: [], received: 0 });
  });

  test('a member is not led to an impostor either', async () => {
    await lab.agent().enroll(lab.controller.token());
    const impostor = await another(undefined, await createInstallation(systemClock));
    const agent = lab.agent({ settings: { ...lab.settings, controller: impostor.address } });
    await expect(agent.sync()).rejects.toMatchObject({ code: 'CERTIFICATE_UNTRUSTED' });
    expect(impostor.book.calls).toEqual([]);
  });
});

describe('a lost answer', () => {
  test.each(['enroll', 'issueCertificate', 'checkIn'] as const)(
    'to %s: the next attempt gets the same',
    async (call) => {
      const token = lab.controller.token();
      await expect(lab.agent({ connect: losingAnswer(call) }).enroll(token)).rejects.toMatchObject({
        code: 'CONTROLLER_UNREACHABLE',
      });
      const report = await lab.agent().enroll(token);
      expect(report.complete).toBe(true);
      expect(lab.controller.book.hosts).toHaveLength(1);
      expect(lab.controller.book.issued.size).toBe(2);
      expect((await lab.stored()).filter((path) => path.includes('next-key'))).toEqual([]);
    },
  );
});

describe('a second time', () => {
  test('it goes on from where it is and does not use the token', async () => {
    const first = await lab.agent().enroll(lab.controller.token());
    const again = await lab.agent().enroll(lab.controller.token());
    expect(again.exporters[0]?.servingSerial).toBe(first.exporters[0]?.servingSerial);
    expect(lab.controller.book.calls.filter((call) => call === 'enroll')).toHaveLength(1);
    expect(lab.said.join('\n')).toContain('already enrolled as "web-1"');
  });

  test('with the token of another installation it is refused, naming the host', async () => {
    await lab.agent().enroll(lab.controller.token());
    const other = await another(undefined, await createInstallation(systemClock));
    const agent = lab.agent({ settings: { ...lab.settings, controller: other.address } });
    await expect(agent.enroll(other.token())).rejects.toMatchObject({
      code: 'ALREADY_ENROLLED',
      message: expect.stringContaining('"web-1"') as string,
    });
  });

  test('after its identity was refused, a new token makes it a member again', async () => {
    await lab.agent().enroll(lab.controller.token());
    lab.controller.book.hosts = [];
    await expect(lab.agent().sync()).rejects.toMatchObject({
      code: 'IDENTITY_REJECTED',
      hint: expect.stringContaining('torchpass-agent enroll') as string,
    });
    expect(await lab.agent().enroll(lab.controller.token())).toMatchObject({ complete: true });
    expect(lab.controller.book.hosts).toHaveLength(1);
  });

  test.each([
    ['the name is still taken', 1, 'HOST_NAME_TAKEN'],
    ['the token is used up', 0, 'TOKEN_REJECTED'],
  ])('an identity that was refused stays when the new enrolment is refused too: %s', async (_, uses, code) => {
    await lab.agent().enroll(lab.controller.token());
    lab.controller.book.rejectIdentities = true;
    await expect(lab.agent().enroll(lab.controller.token({ uses }))).rejects.toMatchObject({ code });
    expect(await lab.agent().status()).toMatchObject({ host: 'web-1' });
    lab.controller.book.rejectIdentities = false;
    expect(await lab.agent().sync()).toMatchObject({ complete: true });
  });

  test('the advice to a refused identity frees its name first, and leads back', async () => {
    await lab.agent().enroll(lab.controller.token());
    lab.controller.book.rejectIdentities = true;
    const hint = /"torchpass token create --replace web-1".*"torchpass-agent enroll"/;
    await expect(lab.agent().sync()).rejects.toMatchObject({ hint: expect.stringMatching(hint) as string });
    lab.controller.book.hosts = [];
    lab.controller.book.rejectIdentities = false;
    expect(await lab.agent().enroll(lab.controller.token())).toMatchObject({ complete: true });
    expect((await lab.stored()).filter((path) => path.includes('-key'))).toEqual([]);
  });

  test('a damaged identity is told, and replaced', async () => {
    await lab.agent().enroll(lab.controller.token());
    await writeFile(join(lab.settings.storagePath, 'identity/identity.pem'), 'torn');
    await expect(lab.agent().sync()).rejects.toMatchObject({ code: 'IDENTITY_BROKEN' });
    lab.controller.book.hosts = [];
    expect(await lab.agent().enroll(lab.controller.token())).toMatchObject({ complete: true });
  });
});

describe('an exporter that does not follow', () => {
  test('one that somebody starts a moment later is waited for', async () => {
    await lab.exporter.stop();
    const exporters = [{ ...lab.exporterSettings, restart: undefined, patienceMs: 20_000 }];
    const say = (sentence: string) => {
      if (sentence.includes('waiting until it uses')) void lab.exporter.restart();
    };
    const agent = lab.agent({ settings: { ...lab.settings, exporters }, say });
    expect(await agent.enroll(lab.controller.token())).toMatchObject({ complete: true });
  });

  test('one that stays open is told, and would be closed if it were started with what is there', async () => {
    const exporters = [{ ...lab.exporterSettings, restart: undefined }];
    const agent = lab.agent({ settings: { ...lab.settings, exporters } });
    const report = await agent.enroll(lab.controller.token());
    expect(report.complete).toBe(false);
    expect(report.missing).toEqual([expect.stringMatching(/not locked.*answers plain HTTP.*--web\.config\.file=/s)]);
    expect(webConfigProblems(await readFile(lab.exporterSettings.webConfig, 'utf8'))).toEqual([]);
    expect(lab.controller.book.reports[0]?.problem).toMatch(/answers plain HTTP/);

    await lab.exporter.restart();
    expect(await lab.agent().sync()).toMatchObject({ complete: true });
    expect(lab.controller.book.issued.size).toBe(2);
  });

  test('a command that does not work is told with what it said', async () => {
    const restart = [process.execPath, '-e', 'console.error("no such unit"); process.exit(5)'];
    const agent = lab.agent({ settings: { ...lab.settings, exporters: [{ ...lab.exporterSettings, restart }] } });
    const report = await agent.enroll(lab.controller.token());
    expect(report.missing[0]).toMatch(/Restarting the exporter "node".*status 5, saying "no such unit"/);
  });
});

describe('what is fed, and what is answered', () => {
  test.each([
    ['nothing', '', 'TOKEN_MALFORMED'],
    ['something else', 'hello', 'TOKEN_MALFORMED'],
    ['half a token', 'tpjoin1.abc', 'TOKEN_MALFORMED'],
  ])('%s as a token', async (_, text, code) => {
    await expect(lab.agent().enroll(new Secret(text))).rejects.toMatchObject({ code });
    expect(lab.controller.book.calls).toEqual([]);
  });

  test('a token that was used up', async () => {
    await expect(lab.agent().enroll(lab.controller.token({ uses: 0 }))).rejects.toMatchObject({
      code: 'TOKEN_REJECTED',
    });
  });

  test('a name that another host has', async () => {
    lab.controller.book.hosts.push({ name: 'web-1', key: 'another' });
    await expect(lab.agent().enroll(lab.controller.token())).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN' });
  });

  test('no controller, or one that is not there', async () => {
    const nowhere = lab.agent({ settings: { ...lab.settings, controller: undefined } });
    await expect(nowhere.enroll(lab.controller.token())).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--controller') as string,
    });
    const away = lab.agent({ settings: { ...lab.settings, controller: { host: '127.0.0.1', port: 1 } } });
    await expect(away.enroll(lab.controller.token())).rejects.toMatchObject({ code: 'CONTROLLER_UNREACHABLE' });
  });

  test('something that speaks no TLS', async () => {
    const agent = lab.agent({
      settings: { ...lab.settings, controller: { host: '127.0.0.1', port: lab.exporter.port } },
    });
    await expect(agent.enroll(lab.controller.token())).rejects.toMatchObject({ code: 'CONTROLLER_UNREACHABLE' });
  });

  test('two at once: the second is told which process is in the way', async () => {
    const startOf = (pid: number) => Promise.resolve(String(pid));
    const first = lab.agent({ processes: { self: 11, startOf } }).enroll(lab.controller.token());
    const second = lab.agent({ processes: { self: 12, startOf } }).enroll(lab.controller.token());
    const ends = await Promise.allSettled([first, second]);
    const refused = ends.find((end) => end.status === 'rejected');
    expect(refused?.reason).toMatchObject({
      code: 'AGENT_BUSY',
      message: expect.stringMatching(/process 1[12]\)/) as string,
    });
    expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
    expect(lab.controller.book.hosts).toHaveLength(1);
  });

  test.each(['sync', 'status', 'leave'] as const)('%s on a host that is not enrolled', async (command) => {
    await expect(lab.agent()[command]()).rejects.toMatchObject({
      code: 'NOT_ENROLLED',
      hint: expect.stringContaining('torchpass-agent enroll') as string,
    });
  });
});
