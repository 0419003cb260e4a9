import SqliteDatabase from 'better-sqlite3';
import { sql, type Kysely } from 'kysely';
import { chmod, cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type * as Migrations from '../store/migrations/index.ts';
import { joinHost, SERVERS_ALLOWED } from '../testing/host.ts';
import { openLab, type Lab } from '../testing/lab.ts';
import { labPassphrase } from '../testing/surroundings.ts';
import { inspect, refuseErrors } from './check.ts';

vi.mock('node:crypto', async (original) =>
  (await import('../testing/remembered-scrypt.ts')).rememberingScrypt(await original()),
);

/** A migration that a database can lack. */
vi.mock('../store/migrations/index.ts', async (original) => {
  const { MIGRATIONS, ...rest } = await original<typeof Migrations>();
  const next = { name: '9000-next', up: (db: Kysely<unknown>) => sql`create table next (id text)`.execute(db) };
  return { ...rest, MIGRATIONS: [...MIGRATIONS, next] };
});

async function found(lab: Lab, storage = lab.config.storage_path) {
  const checked = await inspect({ ...lab, config: { ...lab.config, storage_path: storage } }, labPassphrase(lab));
  refuseErrors(checked);
  return checked;
}

/** Names, content and times of all that is in the storage folder. */
async function everythingIn(folder: string) {
  const names = (await readdir(folder)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const found = await stat(join(folder, name));
      const content = found.isFile() ? await readFile(join(folder, name), 'hex') : '';
      return [name, found.mode, found.mtimeMs, content];
    }),
  );
}

async function stopped(change = ''): Promise<Lab> {
  const lab = await openLab({ config: SERVERS_ALLOWED });
  await (await joinHost(lab, {})).serve();
  await lab.close();
  const database = new SqliteDatabase(join(lab.config.storage_path, 'torchpass.db'));
  database.exec(change);
  database.close();
  return lab;
}

describe('check', () => {
  it('of a stopped controller’s storage changes nothing and leaves nothing there', async () => {
    const lab = await stopped();
    const before = await everythingIn(lab.config.storage_path);
    expect(await found(lab)).toEqual({ certificates: 4, entries: expect.any(Number), findings: [] });
    expect(await everythingIn(lab.config.storage_path)).toEqual(before);
    expect(before.map(([name]) => name)).not.toContain('torchpass.db-wal');
  });

  it('beside a running controller sees what is in the log only, and the controller goes on', async () => {
    const lab = await openLab({ config: SERVERS_ALLOWED });
    const before = (await readdir(lab.config.storage_path)).toSorted();
    expect(before).toContain('torchpass.db-wal');
    expect(await found(lab)).toMatchObject({ certificates: 2, findings: [] });
    await (await joinHost(lab, {})).serve();
    expect(await found(lab)).toMatchObject({ certificates: 4, findings: [] });
    expect((await readdir(lab.config.storage_path)).toSorted()).toEqual(before);
  });

  it.each([
    ['as it lies there after a kill', []],
    ['from a backup without the shared memory', ['torchpass.db-shm']],
  ])('reads a storage with a log that nobody wrote back, %s', async (_what, missing) => {
    const lab = await openLab({ config: SERVERS_ALLOWED });
    await (await joinHost(lab, {})).serve();
    const copy = join(lab.folder, 'copy');
    await cp(lab.config.storage_path, copy, { recursive: true });
    await chmod(copy, 0o711);
    for (const name of missing) await rm(join(copy, name));
    const before = (await readdir(copy)).toSorted();
    const database = await readFile(join(copy, 'torchpass.db'));
    expect(await found(lab, copy)).toMatchObject({ certificates: 4, findings: [] });
    expect((await readdir(copy)).toSorted()).toEqual(before);
    expect(await readFile(join(copy, 'torchpass.db'))).toEqual(database);
  });

  it.each([
    ['older', 'STORE_OLDER', `delete from schema_migrations where name = '9000-next'; drop table next`],
    ['newer', 'STORE_NEWER', `insert into schema_migrations (name) values ('9999-from-the-future')`],
    ['empty', 'NOT_INITIALIZED', 'delete from schema_migrations'],
    ['foreign', 'NOT_INITIALIZED', 'drop table schema_migrations'],
  ])('of a database that is %s says so and changes nothing', async (_what, code, change) => {
    const lab = await stopped(change);
    const before = await everythingIn(lab.config.storage_path);
    await expect(found(lab)).rejects.toMatchObject({ code });
    expect(await everythingIn(lab.config.storage_path)).toEqual(before);
  });

  it('names the first entry of the audit log that somebody changed', async () => {
    const lab = await stopped(`drop trigger audit_log_no_update; update audit_log set subject = 'x' where number = 4`);
    await expect(found(lab)).rejects.toMatchObject({
      code: 'AUDIT_BROKEN',
      message: expect.stringContaining('Entry 4'),
    });
  });

  it('of a file that is no database says so', async () => {
    const lab = await stopped();
    await writeFile(join(lab.config.storage_path, 'torchpass.db'), 'this is something else'.repeat(100));
    await expect(found(lab)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
