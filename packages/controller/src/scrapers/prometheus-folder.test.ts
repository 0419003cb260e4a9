import { nodeFiles } from '@torchpass/core';
import {
  certificatesFromPem,
  describeCertificate,
  keyFingerprint,
  privateKeyFromPem,
  publicKeyInfo,
} from '@torchpass/pki';
import { crashBefore, ManualClock } from '@torchpass/core/testing';
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ownerForReader } from '../config/accounts.ts';
import { joinHost, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { LAB_START, temporaryFolder } from '../testing/surroundings.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const DAY_MS = 86_400_000;

const serialIn = async (path: string) => {
  const [leaf] = certificatesFromPem(await readFile(path));
  if (leaf === undefined) throw new Error('there is no certificate');
  return describeCertificate(leaf);
};

/** Whether key and certificate on disk belong together. */
async function isPair(certificate: string, key: string): Promise<boolean> {
  const { fingerprint } = await serialIn(certificate);
  return fingerprint === keyFingerprint(publicKeyInfo(privateKeyFromPem(await readFile(key))));
}

const contentOf = (lab: Lab) =>
  Promise.all(
    [lab.paths.exportersCa, lab.paths.scraper, lab.paths.scraperKey, lab.paths.scrapeConfig, lab.paths.webConfig].map(
      (path) => readFile(path, 'utf8'),
    ),
  );

describe('the folder that Prometheus reads', () => {
  it('has everything, keys closed to others, and is left alone while nothing is due', async () => {
    const lab = await openLab();
    expect((await readdir(lab.paths.folder)).toSorted()).toEqual([
      'exporters-ca.pem',
      'scrape-config.yml',
      'scraper-key.pem',
      'scraper.pem',
      'staging',
      'targets',
      'web',
      'web-config.yml',
    ]);
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await Promise.all([lab.paths.folder, lab.paths.scraperKey, lab.paths.webKey].map(mode))).toEqual([
      '750',
      '640',
      '640',
    ]);
    const before = await contentOf(lab);
    lab.clock.advance(3 * DAY_MS);
    await lab.prometheusFolder.refresh();
    expect(await contentOf(lab)).toEqual(before);
    expect(await isPair(lab.paths.scraper, lab.paths.scraperKey)).toBe(true);
    expect(await isPair(lab.paths.webCertificate, lab.paths.webKey)).toBe(true);
  });

  it('gets a new certificate for the same key at half of its life, by one rename', async () => {
    const steps: string[] = [];
    const lab = await openLab({ files: nodeFiles((step, path) => void steps.push(`${step} ${path}`)) });
    const key = await readFile(lab.paths.scraperKey, 'utf8');
    const { serial } = await serialIn(lab.paths.scraper);
    lab.clock.advance(3.5 * DAY_MS);
    steps.length = 0;
    const { scraper } = await lab.prometheusFolder.refresh();
    expect(scraper.serial).not.toBe(serial);
    expect((await serialIn(lab.paths.scraper)).serial).toBe(scraper.serial);
    expect(await readFile(lab.paths.scraperKey, 'utf8')).toBe(key);
    expect(steps.filter((step) => step.startsWith('rename'))).toEqual([
      `rename ${lab.paths.scraper}`,
      `rename ${lab.paths.webCertificate}`,
    ]);
    expect(await isPair(lab.paths.scraper, lab.paths.scraperKey)).toBe(true);
  });

  it.each<[string, (lab: Lab) => Promise<void>]>([
    ['a certificate that was cut off', (lab) => writeFile(lab.paths.scraper, '-----BEGIN CERTIFICATE-----\nMIIB')],
    ['an empty certificate', (lab) => writeFile(lab.paths.scraper, '')],
    ['a missing certificate', (lab) => rm(lab.paths.scraper)],
    ['a key that was cut off', (lab) => writeFile(lab.paths.scraperKey, '-----BEGIN PRIVATE KEY-----\nMIGH')],
    ['an empty key', (lab) => writeFile(lab.paths.scraperKey, '')],
    ['a missing key', (lab) => rm(lab.paths.scraperKey)],
    ['a bundle that somebody added to', (lab) => writeFile(lab.paths.exportersCa, 'garbage')],
    ['a scrape job that was edited', (lab) => writeFile(lab.paths.scrapeConfig, 'scrape_configs: []')],
    [
      "the web certificate's key in the scraper's place",
      async (lab) => writeFile(lab.paths.scraper, await readFile(lab.paths.webCertificate)),
    ],
    ['everything gone', (lab) => rm(lab.paths.folder, { recursive: true })],
  ])('is repaired after %s', async (_what, damage) => {
    const lab = await openLab();
    const [ca, , , job] = await contentOf(lab);
    await damage(lab);
    lab.clock.advance(1000);
    await lab.prometheusFolder.refresh();
    expect(await isPair(lab.paths.scraper, lab.paths.scraperKey)).toBe(true);
    expect(await isPair(lab.paths.webCertificate, lab.paths.webKey)).toBe(true);
    expect((await serialIn(lab.paths.scraper)).spiffeId).toMatchObject({ kind: 'scraper', name: 'prometheus' });
    const after = await contentOf(lab);
    expect([after[0], after[3]]).toEqual([ca, job]);
  });

  it('follows a new name of the scraper, and new names of the web interface', async () => {
    const lab = await openLab();
    await lab.close();
    const prometheus = { scraper_name: 'berlin', web_names: ['metrics.example.org', '198.51.100.9'] };
    const next = await openLab({ folder: lab.folder, config: { prometheus } });
    expect((await serialIn(next.paths.scraper)).spiffeId).toMatchObject({ name: 'berlin' });
    expect(await serialIn(next.paths.webCertificate)).toMatchObject({
      dnsNames: ['metrics.example.org'],
      ipAddresses: ['198.51.100.9'],
    });
  });

  it('does not keep a certificate of former authorities', async () => {
    const folder = join(temporaryFolder(), 'prometheus');
    const config = { prometheus: { folder } };
    const former = await openLab({ config });
    const before = await serialIn(former.paths.scraper);
    // Another moment has another template, with authorities of its own.
    const later = await openLab({ config, clock: new ManualClock(new Date(LAB_START.getTime() + 1000)) });
    const after = await serialIn(later.paths.scraper);
    expect(after.serial).not.toBe(before.serial);
    expect(after.fingerprint).toBe(before.fingerprint);
  });

  it('is whole again wherever the controller died while it was made', async () => {
    for (let n = 1; ; n += 1) {
      const crash = crashBefore(n);
      const folder = join(temporaryFolder(), 'prometheus');
      const config = { prometheus: { folder } };
      const files = nodeFiles((what, path) => crash.step(`${what} ${path}`));
      const first = await openLab({ config, files }).catch(() => undefined);
      await first?.close();
      if (!crash.crashed) break;
      const lab = await openLab({ config });
      expect([crash.at, await isPair(lab.paths.scraper, lab.paths.scraperKey)]).toEqual([crash.at, true]);
      expect([crash.at, await isPair(lab.paths.webCertificate, lab.paths.webKey)]).toEqual([crash.at, true]);
      await lab.close();
    }
  });
});

describe('Prometheus’s user', () => {
  it.runIf(process.getuid?.() === 0)('may read everything in it by its group, and can change none of it', async () => {
    const prometheusOwner = await ownerForReader('nobody', 'prometheus.user');
    const config = { ...SERVERS_ALLOWED, prometheus: { folder: join(temporaryFolder(), 'prometheus') } };
    const lab = await openLab({ config, prometheusOwner });
    await (await joinHost(lab, {})).serve();
    const entries = await readdir(lab.paths.folder, { recursive: true });
    expect(entries).toContain('targets/node.json');
    for (const path of ['.', ...entries]) {
      const found = await stat(join(lab.paths.folder, path));
      const mode = found.isDirectory() ? 0o750 : 0o640;
      expect([path, found.uid, found.gid, found.mode & 0o7777]).toEqual([path, 0, prometheusOwner.gid, mode]);
    }
    expect(prometheusOwner.gid).not.toBe(0);
  });
});
