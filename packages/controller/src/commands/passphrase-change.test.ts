import { Secret, nodeFiles } from '@torchpass/core';
import { crashBefore } from '@torchpass/core/testing';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { operatorHere } from '../audit/actor.ts';
import { verifyLog } from '../audit/verify.ts';
import { readPassphrase } from '../config/passphrase.ts';
import { openAuthorities, ROLES } from '../issuance/authorities.ts';
import { takeInstanceLock } from '../store/instance-lock.ts';
import { openStore } from '../store/store.ts';
import { watchStatements } from '../testing/crash-dialect.ts';
import { installStorage, labPassphrase, labSurroundings, type LabSurroundings } from '../testing/surroundings.ts';
import { change } from './passphrase-change.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

const BY = operatorHere('olga');
const NEXT = 'another passphrase';

async function installed(): Promise<LabSurroundings> {
  const lab = await labSurroundings();
  await installStorage(lab);
  return lab;
}

async function fileWith(lab: LabSurroundings, text: string, mode = 0o600) {
  const path = join(lab.folder, 'next');
  await writeFile(path, text, { mode });
  return { path, named: '--new-passphrase-file', guarded: false };
}

/** What a passphrase opens; the code of the error when it opens nothing. */
async function opens(lab: LabSurroundings, passphrase: string) {
  const store = await openStore({ path: join(lab.config.storage_path, 'torchpass.db'), clock: lab.clock });
  try {
    const authorities = await openAuthorities(store, new Secret(passphrase));
    const { fault, entries } = await verifyLog(store, authorities.sealing.derive('audit log'));
    const last = await store.selectFrom('audit_log').selectAll().orderBy('number', 'desc').executeTakeFirst();
    return { active: ROLES.map((role) => authorities.active(role).id), fault, entries, last: last?.event };
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await store.destroy();
  }
}

const passphraseOf = async (lab: LabSurroundings) => (await readPassphrase(labPassphrase(lab))).reveal();

describe('a change of passphrase', () => {
  it('leaves keys and audit log as they are, closes the old one, and is an entry of the log itself', async () => {
    const lab = await installed();
    const old = await passphraseOf(lab);
    const before = await opens(lab, old);
    const controllerKey = join(lab.config.storage_path, 'controller-key.sealed');
    const sealed = await readFile(controllerKey).catch(() => undefined);
    const said = await change(lab, { from: labPassphrase(lab), to: await fileWith(lab, `${NEXT}\n`) }, BY);
    expect(await opens(lab, old)).toBe('PASSPHRASE_WRONG');
    const after = await opens(lab, NEXT);
    expect(after).toEqual({
      ...(before as object),
      entries: (before as { entries: number }).entries + 1,
      last: 'passphrase.changed',
    });
    expect(await readFile(controllerKey).catch(() => undefined)).toEqual(sealed);
    expect(said.join(' ')).toContain(`mv ${lab.folder}/next ${lab.config.authorities.passphrase_file}`);
    expect(said.join(' ') + lab.logged.join('')).not.toMatch(new RegExp(`${NEXT}|${old}`));
  });

  it('done twice says that it was done', async () => {
    const lab = await installed();
    const sources = { from: labPassphrase(lab), to: await fileWith(lab, NEXT) };
    await change(lab, sources, BY);
    const entries = await opens(lab, NEXT);
    expect((await change(lab, sources, BY))[0]).toContain('already');
    expect(await opens(lab, NEXT)).toEqual(entries);
  });

  it.each([
    ['the one in use', async (lab: LabSurroundings) => fileWith(lab, await passphraseOf(lab)), 'USAGE'],
    ['an empty file', (lab: LabSurroundings) => fileWith(lab, '\n'), 'CONFIG_UNREADABLE'],
    ['a file that others can read', (lab: LabSurroundings) => fileWith(lab, NEXT, 0o644), 'PERMISSIONS_LOOSE'],
    ['nothing typed', () => Promise.resolve({ ask: () => Promise.resolve(new Secret('')) }), 'USAGE'],
  ])('to %s is refused, and the old one is valid', async (_what, source, code) => {
    const lab = await installed();
    const changing = change(lab, { from: labPassphrase(lab), to: await source(lab) }, BY);
    await expect(changing).rejects.toMatchObject({ code });
    expect(await opens(lab, await passphraseOf(lab))).toHaveProperty('active');
  });

  it('from a wrong one is refused', async () => {
    const lab = await installed();
    const from = { ask: () => Promise.resolve(new Secret('wrong')) };
    const changing = change(lab, { from, to: await fileWith(lab, NEXT) }, BY);
    await expect(changing).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
  });

  it('waits for nobody: beside a running controller it is refused', async () => {
    const lab = await installed();
    const lock = takeInstanceLock(join(lab.config.storage_path, 'controller.lock'));
    const changing = change(lab, { from: labPassphrase(lab), to: await fileWith(lab, NEXT) }, BY);
    await expect(changing).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
    lock.release();
  });

  it('that dies anywhere leaves exactly one of the two valid, and is finished by the next', async () => {
    const lab = await installed();
    const old = await passphraseOf(lab);
    const to = await fileWith(lab, NEXT);
    const template = join(lab.folder, 'template');
    await cp(lab.config.storage_path, template, { recursive: true });
    const valid = new Set<string>();
    for (let n = 1; ; n += 1) {
      await nodeFiles().remove(lab.config.storage_path);
      await cp(template, lab.config.storage_path, { recursive: true });
      const death = crashBefore(n);
      const dying = { ...lab, seams: { wrapDialect: watchStatements(death.step) } };
      const said = await change(dying, { from: labPassphrase(lab), to }, BY).catch(() => undefined);
      if (said !== undefined) break;
      const [byOld, byNew] = [await opens(lab, old), await opens(lab, NEXT)];
      const open = [byOld, byNew].filter((outcome) => typeof outcome === 'object');
      expect([death.at, open.map(({ fault }) => fault)]).toEqual([death.at, [undefined]]);
      valid.add(typeof byOld === 'object' ? 'old' : 'new');
      await change(lab, { from: labPassphrase(lab), to }, BY);
      expect(await opens(lab, NEXT)).toHaveProperty('last', 'passphrase.changed');
    }
    expect([...valid]).toEqual(['old']);
  }, 120_000);
});
