import { nodeFiles } from '@torchpass/core';
import { crashBefore, seededRandom } from '@torchpass/core/testing';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readPassphrase } from '../config/passphrase.ts';
import { openAuthorities, ROLES } from '../issuance/authorities.ts';
import { takeInstanceLock } from '../store/instance-lock.ts';
import { openStore } from '../store/store.ts';
import { watchStatements } from '../testing/crash-dialect.ts';
import { labPassphrase, labSurroundings, type LabOptions } from '../testing/surroundings.ts';
import { initialize } from './init.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

async function run(options: LabOptions = {}) {
  const base = await labSurroundings(options);
  const lines = await initialize(base, labPassphrase(base));
  return { ...base, said: lines.join('\n') };
}

type Initialized = Awaited<ReturnType<typeof run>>;

async function authoritiesOf(base: Initialized) {
  const store = await openStore({ path: join(base.config.storage_path, 'torchpass.db'), clock: base.clock });
  try {
    const authorities = await openAuthorities(store, await readPassphrase(labPassphrase(base)));
    const rows = await store.selectFrom('authorities').selectAll().orderBy('role').execute();
    return { roots: authorities.roots, active: ROLES.map((role) => authorities.active(role).id), rows };
  } finally {
    await store.destroy();
  }
}

describe('init', () => {
  it('makes root and authorities, a passphrase, and says where they are and what to paste', async () => {
    const base = await run();
    const { roots, rows } = await authoritiesOf(base);
    expect(roots).toHaveLength(1);
    expect(rows.map(({ role }) => role)).toEqual(['agent', 'controller', 'exporter', 'root', 'scraper']);
    expect(base.said).toContain('Made a root and four issuing authorities');
    expect(base.said).toContain(base.config.authorities.passphrase_file);
    expect(base.said).toContain('job_name: "torchpass"');
    const { mode } = await stat(base.config.authorities.passphrase_file);
    expect(mode & 0o777).toBe(0o600);
    const passphrase = (await readFile(base.config.authorities.passphrase_file, 'utf8')).trim();
    expect(passphrase.length).toBeGreaterThan(40);
    expect(base.said + base.logged.join('')).not.toContain(passphrase);
  });

  it('run twice changes nothing', async () => {
    const first = await run();
    const before = await authoritiesOf(first);
    const second = await run({ folder: first.folder });
    expect(await authoritiesOf(second)).toEqual(before);
    expect(second.said).toContain('has its authorities already');
    expect(second.said).not.toContain('keep a copy');
  });

  it('takes the passphrase that is there', async () => {
    const base = await labSurroundings();
    const { passphrase_file: path } = base.config.authorities;
    await nodeFiles().makeFolder(dirname(path), { mode: 0o700 });
    await writeFile(path, 'my own\n', { mode: 0o600 });
    await initialize(base, labPassphrase(base));
    expect(await readFile(path, 'utf8')).toBe('my own\n');
  });

  it('makes no new passphrase when the one that opens the authorities is lost', async () => {
    const base = await run();
    await rm(base.config.authorities.passphrase_file);
    await expect(run({ folder: base.folder })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
    await expect(stat(base.config.authorities.passphrase_file)).rejects.toThrow('ENOENT');
  });

  it('with a wrong passphrase says so and changes nothing', async () => {
    const base = await run();
    await writeFile(base.config.authorities.passphrase_file, 'wrong');
    await expect(run({ folder: base.folder })).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
  });

  it('does not change the trust domain of a storage', async () => {
    const base = await run();
    const again = run({ folder: base.folder, config: { trust_domain: 'other.example' } });
    await expect(again).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/"other\.example".*"torchpass\.internal"/) as string,
    });
  });

  it('waits for nobody: beside a running controller it is refused', async () => {
    const base = await run();
    const lock = takeInstanceLock(join(base.config.storage_path, 'controller.lock'));
    await expect(run({ folder: base.folder })).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
    lock.release();
  });

  it('is finished by the next run wherever it died', async () => {
    const deaths: string[] = [];
    for (let n = 1; ; n += 1) {
      const death = crashBefore(n);
      // The same salts each time: half a second for each would be all the time that this takes.
      const dying = await labSurroundings({
        random: seededRandom('dying'),
        files: nodeFiles((what, path) => death.step(`${what} ${path}`)),
        seams: { wrapDialect: watchStatements(death.step) },
      });
      const made = await initialize(dying, labPassphrase(dying)).catch(() => undefined);
      if (made !== undefined) break;
      deaths.push(death.at ?? '');
      const next = await run({ folder: dying.folder, random: seededRandom('next') });
      const { rows } = await authoritiesOf(next);
      expect([death.at, rows.length]).toEqual([death.at, 5]);
      expect(next.said).toContain('What Prometheus reads is in');
      await rm(dying.folder, { recursive: true });
    }
    expect(deaths.length).toBeGreaterThan(50);
    expect(deaths.some((at) => at.startsWith('insert into "authorities"'))).toBe(true);
  }, 120_000);
});
