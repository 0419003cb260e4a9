import { nodeFiles, Secret, systemRandom } from '@torchpass/core';
import {
  createIssuingAuthority,
  createRoot,
  generatePrivateKey,
  newSerialNumber,
  publicKeyInfo,
  softwareSigner,
  certificatesToPem,
} from '@torchpass/pki';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { rotateRequest } from '../api/types.ts';
import { operatorHere } from '../audit/actor.ts';
import { readPassphrase } from '../config/passphrase.ts';
import { SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { OPERATOR } from '../testing/operator.ts';
import { installStorage, labPassphrase, labSurroundings } from '../testing/surroundings.ts';
import { exportRoot } from './ca-export-root.ts';
import { importAuthority, requestAuthority } from './ca-request.ts';
import { signRequest } from './ca-sign.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const BY = operatorHere('olga');
const FILE = new Secret('of the file');
const config = { ...SERVERS_ALLOWED, prometheus: { scrape_interval: '1s' } };

/** An installation whose root is in a file, and that waits for its signature of a new exporter authority. */
async function waiting(): Promise<{ lab: Lab; own: Secret; at: (name: string) => string; sealed: string }> {
  const base = await labSurroundings({ config });
  await installStorage(base);
  const own = await readPassphrase(labPassphrase(base));
  const at = (name: string) => join(base.folder, name);
  const before = await openLab({ folder: base.folder, clock: base.clock, config });
  const { keyReference: sealed } = before.authorities.activeRoot();
  await before.close();
  await exportRoot(base, at('root.json'), { own, file: FILE }, BY);
  const lab = await openLab({ folder: base.folder, clock: base.clock, config });
  await lab.services.authorities.rotate('exporter', rotateRequest.parse({}), OPERATOR);
  return { lab, own, at, sealed };
}

const sign = (at: (name: string) => string, passphrase = FILE) =>
  signRequest(nodeFiles(), { rootKey: at('root.json'), request: at('request.json'), out: at('new.pem') }, passphrase);

const exporterStates = async ({ services }: Lab) =>
  (await services.authorities.list()).authorities.flatMap(({ role, state }) => (role === 'exporter' ? [state] : []));

describe('with a root that is kept elsewhere', () => {
  it('nothing of its key is left in the storage, also not in what the database has thrown away', async () => {
    const { lab, sealed, at } = await waiting();
    await lab.close();
    for (const file of ['torchpass.db', 'torchpass.db-wal']) {
      const left = await readFile(join(lab.config.storage_path, file)).catch(() => Buffer.alloc(0));
      expect(left.includes(sealed.slice(10, 60))).toBe(false);
    }
    expect(await readFile(at('root.json'), 'utf8')).not.toContain(sealed.slice(10, 60));
  });

  it('a rotation waits for a signature, and goes on with the one that is imported', async () => {
    const { lab, own, at } = await waiting();
    const { rotations } = await lab.services.authorities.list();
    expect(rotations[0]?.blockers.map(({ kind }) => kind)).toEqual(['signature']);
    await lab.rotation.advance();
    expect(await exporterStates(lab)).toEqual(['active']);

    const asked = await requestAuthority(lab, { role: 'exporter', out: at('request.json') }, own);
    const signed = await sign(at);
    const [fingerprint = ''] = /[0-9a-f]{64}/.exec(asked.join()) ?? [];
    expect(signed.join()).toContain(fingerprint);
    await importAuthority(lab, at('new.pem'), own, BY);
    expect((await exporterStates(lab)).toSorted()).toEqual(['active', 'prepared']);
    lab.clock.advance(1000);
    await lab.rotation.advance();
    await lab.prometheusFolder.refresh();
    await lab.rotation.advance();
    lab.clock.advance(1000);
    await lab.rotation.advance();
    expect((await exporterStates(lab)).toSorted()).toEqual(['active', 'gone']);
    await expect(importAuthority(lab, at('new.pem'), own, BY)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('the file opens with its own passphrase only', async () => {
    const { lab, own, at } = await waiting();
    await requestAuthority(lab, { role: 'exporter', out: at('request.json') }, own);
    await expect(sign(at, own)).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
  });

  it.each([
    ['for another trust domain', { trustDomain: 'evil.example' }, 'CSR_INVALID'],
    ['without proof of possession', { request: 'AAAA' }, 'CSR_INVALID'],
    ['for a root', { role: 'root' }, 'CSR_INVALID'],
    ['with a serial number that is not one of ours', { serial: '00'.repeat(16) }, 'LINT_FAILED'],
  ])('does not sign a request %s', async (_what, change, code) => {
    const { lab, own, at } = await waiting();
    await requestAuthority(lab, { role: 'exporter', out: at('request.json') }, own);
    const request: object = JSON.parse(await readFile(at('request.json'), 'utf8'));
    await writeFile(at('request.json'), JSON.stringify({ ...request, ...change }));
    await expect(sign(at)).rejects.toMatchObject({ code });
  });

  it('takes no certificate that differs from what was asked for', async () => {
    const { lab, own, at } = await waiting();
    await requestAuthority(lab, { role: 'exporter', out: at('request.json') }, own);
    const request: object = JSON.parse(await readFile(at('request.json'), 'utf8'));
    await writeFile(at('request.json'), JSON.stringify({ ...request, role: 'scraper' }));
    await sign(at);
    await expect(importAuthority(lab, at('new.pem'), own, BY)).rejects.toMatchObject({ code: 'CERTIFICATE_UNTRUSTED' });
  });

  it('takes no certificate that another root has signed', async () => {
    const { lab, own, at } = await waiting();
    const draft = await lab.store.selectFrom('authority_drafts').selectAll().executeTakeFirstOrThrow();
    const signer = softwareSigner(await generatePrivateKey());
    const { trustDomain } = lab.authorities;
    const times = { notBefore: new Date(draft.not_before), notAfter: new Date(draft.not_after) };
    const root = await createRoot({ trustDomain, signer, serialNumber: newSerialNumber(systemRandom), ...times });
    const certificate = await createIssuingAuthority({
      role: 'exporter',
      trustDomain,
      root,
      rootSigner: signer,
      publicKey: publicKeyInfo(await generatePrivateKey()),
      serialNumber: Buffer.from(draft.id, 'hex'),
      ...times,
    });
    await writeFile(at('new.pem'), certificatesToPem([certificate]));
    await expect(importAuthority(lab, at('new.pem'), own, BY)).rejects.toMatchObject({ code: 'CERTIFICATE_UNTRUSTED' });
  });
});
