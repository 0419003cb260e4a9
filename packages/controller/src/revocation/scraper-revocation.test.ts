import {
  type Signer,
  certificatesDigest,
  certificatesFromPem,
  describeCertificate,
  keyFingerprint,
  publicKeyInfo,
  privateKeyFromPem,
} from '@torchpass/pki';
import { nodeFiles } from '@torchpass/core';
import { crashBefore, SimulatedCrash } from '@torchpass/core/testing';
import { readFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { rotateRequest } from '../api/types.ts';
import { watchStatements } from '../testing/crash-dialect.ts';
import { joinHost, report, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';
import { published } from '../testing/published.ts';
import { changeAuthority } from '../issuance/authority-rows.ts';
import { agree } from '../testing/rotating-fleet.ts';
import type { LabOptions } from '../testing/surroundings.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const openAllowed = (options: LabOptions = {}) => openLab({ config: SERVERS_ALLOWED, ...options });
const revoke = (lab: Lab) => lab.services.scraper.revoke('stolen', OPERATOR);

/** What Prometheus scrapes with, as its files say. */
async function pairOf(lab: Lab) {
  const [leaf, authority] = certificatesFromPem(await readFile(lab.paths.scraper));
  const key = privateKeyFromPem(await readFile(lab.paths.scraperKey));
  return {
    ...describeCertificate(leaf as Buffer),
    authority: authority as Buffer,
    key: keyFingerprint(publicKeyInfo(key)),
  };
}

const trusted = ({ authorities }: Lab) =>
  authorities.trusted('scraper').map((certificate) => certificate.toString('hex'));
const states = async (lab: Lab) =>
  (await lab.services.scraper.status()).exporters.map(({ host, state, problem }) => [host, state, problem]);

describe('giving up the scraper key', () => {
  it('leaves one authority that is trusted, and Prometheus with another key under it', async () => {
    const lab = await openAllowed();
    const before = { pair: await pairOf(lab), trusted: trusted(lab), id: lab.authorities.active('scraper').id };
    const status = await revoke(lab);
    const after = await pairOf(lab);
    expect(status).toMatchObject({ generation: lab.authorities.restartGeneration, reason: 'stolen', waiting: 0 });
    expect(trusted(lab)).toEqual([after.authority.toString('hex')]);
    expect(trusted(lab)).not.toEqual(before.trusted);
    expect(after.fingerprint).toBe(after.key);
    expect(after.key).not.toBe(before.pair.key);
    expect(lab.authorities.restartGeneration).toBe(lab.clock.now().getTime() / 1000);
    const old = await lab.store.selectFrom('authorities').selectAll().where('id', '=', before.id).executeTakeFirst();
    expect(old).toMatchObject({ state: 'gone', key_reference: '' });
    const { certificates } = await lab.services.certificates.list({ role: 'scraper', all: false });
    expect(certificates.map(({ serial }) => serial)).toEqual([after.serial]);
  });

  it('is on record, and a second time gives up the second key', async () => {
    const lab = await openAllowed();
    const first = lab.authorities.active('scraper').id;
    await revoke(lab);
    const second = lab.authorities.active('scraper').id;
    const before = lab.authorities.restartGeneration;
    await revoke(lab);
    expect(lab.authorities.restartGeneration).toBe(before + 1);
    const rows = await lab.store.selectFrom('audit_log').selectAll().where('event', '=', 'scraper.revoked').execute();
    expect(rows.map(({ subject }) => subject)).toEqual([first, second]);
    expect(trusted(lab)).toHaveLength(1);
  });

  it(
    'leaves one authority and a key that fits after a crash before any statement or step on disk',
    { timeout: 120_000 },
    async () => {
      let steps = 0;
      for (let crashed = true; crashed;) {
        steps += 1;
        const point = crashBefore(steps);
        let armed = false;
        const step = (what: string) => {
          if (armed) point.step(what);
        };
        const dying = await openAllowed({ files: nodeFiles(step), seams: { wrapDialect: watchStatements(step) } });
        const before = await pairOf(dying);
        armed = true;
        await revoke(dying).catch((error: unknown) => {
          if (!(error instanceof SimulatedCrash)) throw error;
        });
        await dying.close();
        crashed = point.crashed;

        const { folder } = dying;
        const lab = await openAllowed({ folder });
        const pair = await pairOf(lab);
        const givenUp = lab.authorities.restartGeneration > 0;
        const active = lab.authorities.active('scraper').certificate;
        const found = {
          at: point.at,
          fits: pair.fingerprint === pair.key && pair.authority.equals(active),
          another: pair.key !== before.key,
          oldIsTrusted: trusted(lab).includes(before.authority.toString('hex')),
        };
        expect(found).toEqual({ at: point.at, fits: true, another: givenUp, oldIsTrusted: !givenUp });
        await revoke(lab);
        expect(trusted(lab)).toEqual([(await pairOf(lab)).authority.toString('hex')]);
        await lab.close();
      }
      expect(steps).toBeGreaterThan(20);
    },
  );

  it('says so when Prometheus cannot be given its new key, and upkeep gives it later', async () => {
    let full = false;
    const real = nodeFiles();
    const files: typeof real = {
      ...real,
      write: (path, ...rest) => (full ? Promise.reject(new Error(`no room for ${path}`)) : real.write(path, ...rest)),
    };
    const lab = await openAllowed({ files });
    const before = await pairOf(lab);
    full = true;
    expect((await revoke(lab)).prometheusProblem).toMatch(/could not be written: no room/);
    expect(trusted(lab)).not.toContain(before.authority.toString('hex'));
    full = false;
    await lab.prometheusFolder.refresh();
    const after = await pairOf(lab);
    expect([after.key === before.key, after.fingerprint === after.key]).toEqual([false, true]);
  });

  it('takes turns with rotations: an abort of one does not bury who takes over', async () => {
    const lab = await openAllowed();
    await joinHost(lab, {}).then((host) => host.serve());
    const rotate = (action: 'step' | 'abort') =>
      lab.services.authorities.rotate('scraper', rotateRequest.parse({ action }), OPERATOR);
    await rotate('step');
    const [revoked] = await Promise.allSettled([revoke(lab), rotate('abort')]);
    expect(revoked.status).toBe('fulfilled');
    const active = await lab.store
      .selectFrom('authorities')
      .select(['id', 'gone_at', 'key_reference'])
      .where('role', '=', 'scraper')
      .where('state', '=', 'active')
      .execute();
    expect(active).toEqual([{ id: expect.any(String), gone_at: null, key_reference: expect.stringMatching(/./) }]);
    await lab.authorities.reload();
  });

  it('gives up nothing when who was to take over is gone meanwhile', async () => {
    let meanwhile: () => Promise<unknown> = () => Promise.resolve();
    const wrapSigner = (signer: Signer): Signer => ({
      ...signer,
      sign: async (data) => {
        await meanwhile();
        return signer.sign(data);
      },
    });
    const lab = await openAllowed({ seams: { wrapSigner } });
    const before = trusted(lab);
    meanwhile = async () => {
      const { store, authorities } = lab;
      const found = await store
        .selectFrom('authorities')
        .select('id')
        .where('state', '=', 'prepared')
        .executeTakeFirst();
      if (found === undefined) return;
      await changeAuthority(store, authorities.authentic, found.id, { state: 'gone', key_reference: '' });
    };
    await expect(revoke(lab)).rejects.toMatchObject({ code: 'AUTHORITY_MISSING' });
    await lab.authorities.reload();
    expect(trusted(lab)).toEqual(before);
    expect(lab.authorities.restartGeneration).toBe(0);
  });

  it('may be broken off: rotations go on, and take over what it left', async () => {
    let broken = false;
    const wrapSigner = (signer: Signer): Signer => ({
      ...signer,
      sign: (data) => (broken ? Promise.reject(new Error('broken off')) : signer.sign(data)),
    });
    const lab = await openAllowed({ seams: { wrapSigner } });
    broken = true;
    await expect(revoke(lab)).rejects.toThrow('broken off');
    broken = false;
    const draft = await lab.store.selectFrom('authority_drafts').select('id').executeTakeFirstOrThrow();
    lab.clock.advance(735 * 86_400_000);
    await agree(lab);
    expect(lab.authorities.active('scraper').id).toBe(draft.id);
  });

  it('needs the key of the root: without it nothing is given up', async () => {
    const lab = await openAllowed();
    const before = await pairOf(lab);
    const { id } = lab.authorities.activeRoot();
    await changeAuthority(lab.store, lab.authorities.authentic, id, { key_reference: 'damaged' });
    await lab.authorities.reload();
    await expect(revoke(lab)).rejects.toMatchObject({ code: 'KEY_SEAL_BROKEN' });
    await lab.prometheusFolder.refresh();
    expect((await pairOf(lab)).serial).toBe(before.serial);
    expect(lab.authorities.restartGeneration).toBe(0);
  });

  it('shows no key of the old authority to anybody: what is kept for knocking is sealed', async () => {
    const lab = await openAllowed();
    await revoke(lab);
    const row = await lab.store.selectFrom('scraper_revocations').selectAll().executeTakeFirstOrThrow();
    expect(row.knock_key).not.toMatch(/PRIVATE KEY/);
    expect(lab.logged.join('')).not.toContain(row.knock_key);
  });
});

describe('an exporter is done', () => {
  async function withExporter() {
    const lab = await openAllowed();
    const host = await joinHost(lab, {});
    await host.serve();
    return { lab, host };
  }
  const digest = (lab: Lab) => certificatesDigest([...lab.authorities.trusted('scraper')]);

  it('when it was restarted and then seen to refuse the old key; its target stays all the time', async () => {
    const { lab, host } = await withExporter();
    expect(await lab.services.scraper.status()).toMatchObject({ generation: 0, waiting: 0 });
    await revoke(lab);
    expect(await states(lab)).toEqual([['web-1', 'old trust', null]]);
    lab.clock.advance(1000);
    await host.serve({ scrapersDigest: digest(lab) });
    expect(await states(lab)).toEqual([['web-1', 'not restarted', null]]);
    expect(lab.outside.knocks).toEqual([]);
    lab.clock.advance(1000);
    await host.serve({ scrapersDigest: digest(lab), restartGeneration: lab.authorities.restartGeneration });
    expect(await states(lab)).toEqual([['web-1', 'done', null]]);
    expect(await lab.services.scraper.status()).toMatchObject({ waiting: 0 });
    const all = await lab.services.certificates.list({ role: 'scraper', all: true });
    const knocked = all.certificates.find(({ name }) => name.startsWith('refused-'));
    expect(lab.outside.knocks).toEqual([knocked?.serial]);
    expect(await published(lab)).toEqual(['node.json 198.51.100.7:9100']);

    await host.serve({ scrapersDigest: digest(lab), restartGeneration: lab.authorities.restartGeneration });
    expect(lab.outside.knocks).toHaveLength(1);
  });

  it('not when its agent only says so: one that opens to the old key is named, and tried again', async () => {
    const { lab, host } = await withExporter();
    await revoke(lab);
    lab.outside.opens = true;
    lab.clock.advance(1000);
    const lying = { scrapersDigest: digest(lab), restartGeneration: lab.authorities.restartGeneration + 9 };
    await host.serve(lying);
    expect(await states(lab)).toEqual([['web-1', 'unproven', expect.stringMatching(/lets in the key/)]]);
    const text = await lab.metrics.registry.getSingleMetricAsString('torchpass_scraper_revocation_waiting');
    expect(text).toMatch(/waiting 1$/m);
    lab.outside.opens = false;
    await host.checkIn([report(lying)]);
    expect(await states(lab)).toEqual([['web-1', 'done', null]]);
  });

  it('not when its host is quarantined: it is named, and waited for', async () => {
    const { lab } = await withExporter();
    await lab.store.updateTable('hosts').set({ state: 'quarantined' }).execute();
    await revoke(lab);
    expect(await states(lab)).toEqual([['web-1', 'old trust', null]]);
    const text = await lab.metrics.registry.getSingleMetricAsString('torchpass_scraper_revocation_waiting');
    expect(text).toMatch(/waiting 1$/m);
  });

  it('anew for each key that is given up', async () => {
    const { lab, host } = await withExporter();
    for (let round = 0; round < 2; round += 1) {
      await revoke(lab);
      expect((await lab.services.scraper.status()).waiting).toBe(1);
      lab.clock.advance(1000);
      await host.serve({ scrapersDigest: digest(lab), restartGeneration: lab.authorities.restartGeneration });
      expect((await lab.services.scraper.status()).waiting).toBe(0);
    }
    expect(new Set(lab.outside.knocks).size).toBe(2);
  });
});
