import { ManualClock } from '@torchpass/core/testing';
import SqliteDatabase from 'better-sqlite3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../testing/surroundings.ts';
import { takeInstanceLock } from './instance-lock.ts';
import { listFrom, mapFrom } from './json.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { HostState } from './host-states.ts';
import { openStore } from './store.ts';

const clock = new ManualClock();
const newPath = () => join(temporaryFolder(), 'torchpass.db');

async function modes(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder);
  const found = await Promise.all(
    names.map(async (name) => [name, ((await stat(join(folder, name))).mode & 0o777).toString(8)] as const),
  );
  return Object.fromEntries(found);
}

describe('the database', () => {
  it('is made with every migration, durable, with foreign keys, and for this user alone', async () => {
    const path = newPath();
    const store = await openStore({ path, clock });
    await store.selectFrom('hosts').selectAll().execute();
    expect(await modes(join(path, '..'))).toEqual({
      'torchpass.db': '600',
      'torchpass.db-shm': '600',
      'torchpass.db-wal': '600',
    });
    const orphan = { token_id: 'none', key_fingerprint: 'x', host_id: 'none', used_at: '' };
    await expect(store.insertInto('token_uses').values(orphan).execute()).rejects.toThrow(/FOREIGN KEY/);
    await store.destroy();
    const database = new SqliteDatabase(path);
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    const applied = database.prepare('select name from schema_migrations order by name').pluck().all();
    expect(applied).toEqual(MIGRATIONS.map(({ name }) => name));
    database.close();
  });

  it('is opened again without being migrated twice', async () => {
    const path = newPath();
    for (let time = 0; time < 2; time += 1) await (await openStore({ path, clock })).destroy();
    const store = await openStore({ path, clock });
    expect(await store.selectFrom('hosts').selectAll().execute()).toEqual([]);
    await store.destroy();
  });

  it('of a newer version is refused and not touched', async () => {
    const path = newPath();
    await (await openStore({ path, clock })).destroy();
    const database = new SqliteDatabase(path);
    database.exec(`insert into schema_migrations (name) values ('9999-from-the-future')`);
    database.close();
    await expect(openStore({ path, clock })).rejects.toMatchObject({
      code: 'STORE_NEWER',
      message: expect.stringContaining('9999-from-the-future') as string,
    });
  });

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['is something else', (path) => writeFile(path, 'this is not a database, whatever its name says'.repeat(100))],
    ['is a folder', (path) => mkdir(path)],
  ])('that %s is refused, with its path', async (_what, make) => {
    const path = newPath();
    await make(path);
    await expect(openStore({ path, clock })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining(path) as string,
    });
  });

  it('in a folder that is not there is refused', async () => {
    const path = join(temporaryFolder(), 'missing', 'torchpass.db');
    await expect(openStore({ path, clock })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('never counts more uses of a token than it has, nor two active hosts of one name', async () => {
    const store = await openStore({ path: newPath(), clock });
    const token = {
      job: null,
      labels: '{}',
      host_name: null,
      addresses: '[]',
      networks: '[]',
      exporters: '[]',
      note: '',
      mac: '',
    };
    const times = { created_at: '', expires_at: '', revoked_at: null };
    const row = { id: 't', secret_hash: Buffer.alloc(32), max_uses: 1, ...token, ...times };
    await store.insertInto('join_tokens').values(row).execute();
    await expect(store.updateTable('join_tokens').set({ uses: 2 }).execute()).rejects.toThrow(/not_overused/);
    const host = {
      name: 'web-1',
      token_id: 't',
      job: null,
      labels: '{}',
      addresses: '[]',
      exporters: '[]',
      address: '',
      mac: '',
    };
    const rest = { agent_version: '', enrolled_at: '', last_seen_at: '', end_reason: null };
    const add = (id: string, state: HostState, ended_at: string | null = null) =>
      store
        .insertInto('hosts')
        .values({ id, state, ended_at, ...host, ...rest })
        .execute();
    await add('a', 'active');
    await add('b', 'left', '2026-01-01');
    await expect(add('c', 'active')).rejects.toThrow(/UNIQUE/);
    await expect(add('d', 'pending')).rejects.toThrow(/UNIQUE/);
    await store.destroy();
  });
});

describe('the instance lock', () => {
  it('is held by one at a time, is for this user alone, and is free after its release', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'controller.lock');
    const lock = takeInstanceLock(path);
    expect(() => takeInstanceLock(path)).toThrow(expect.objectContaining({ code: 'ALREADY_RUNNING' }) as Error);
    expect((await modes(folder))['controller.lock']).toBe('600');
    lock.release();
    lock.release();
    takeInstanceLock(path).release();
  });

  it('is held against another process, and free when that one is killed', async () => {
    const path = join(temporaryFolder(), 'controller.lock');
    const holder = inAnotherProcess(path, "process.stdout.write('held'); setInterval(() => undefined, 1000);");
    await once(holder.stdout, 'data');
    expect(() => takeInstanceLock(path)).toThrow(expect.objectContaining({ code: 'ALREADY_RUNNING' }) as Error);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    takeInstanceLock(path).release();
  });

  it('stays held against others when this process tries a second time', async () => {
    const path = join(temporaryFolder(), 'controller.lock');
    const lock = takeInstanceLock(path);
    expect(() => takeInstanceLock(path)).toThrow(expect.objectContaining({ code: 'ALREADY_RUNNING' }) as Error);
    const other = inAnotherProcess(path, '');
    expect(await once(other, 'exit')).toEqual([1, null]);
    lock.release();
  });

  it('that cannot be made is not called another controller', () => {
    const path = join(temporaryFolder(), 'missing', 'controller.lock');
    expect(() => takeInstanceLock(path)).toThrow(expect.objectContaining({ code: 'STORE_UNAVAILABLE' }) as Error);
  });

  it('on something that is no lock file is not called another controller either', async () => {
    const path = join(temporaryFolder(), 'controller.lock');
    await writeFile(path, 'garbage'.repeat(1000));
    expect(() => takeInstanceLock(path)).toThrow(expect.objectContaining({ code: 'STORE_UNAVAILABLE' }) as Error);
  });
});

/** Takes the lock in a process of its own, keeps it, and goes on with `then`; ends with 1 when it is not free. */
function inAnotherProcess(path: string, then: string) {
  const module = fileURLToPath(new URL('instance-lock.ts', import.meta.url));
  const script = `
    const { takeInstanceLock } = await import(${JSON.stringify(module)});
    globalThis.lock = takeInstanceLock(${JSON.stringify(path)});
    ${then}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

describe('a JSON column', () => {
  it('is read back', () => {
    expect(listFrom('["a","b"]')).toEqual(['a', 'b']);
    expect(mapFrom('{"a":"b"}')).toEqual({ a: 'b' });
  });

  it.each(['', 'null', '{}', '"a"', '[1]', '["a"', '[["a"]]', '7'])(
    'that is no list of texts (%s) is damage',
    (json) => {
      expect(() => listFrom(json)).toThrow(/a list of texts was expected/);
    },
  );

  it.each(['', 'null', '[]', '"a"', '{"a":1}', '{"a"', '{"a":{}}', '7'])(
    'that is no map of texts (%s) is damage',
    (json) => {
      expect(() => mapFrom(json)).toThrow(/a map of texts was expected/);
    },
  );
});
