import SqliteDatabase from 'better-sqlite3';
import { Kysely, type Generated } from 'kysely';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../testing/surroundings.ts';
import { sqliteDialect } from './sqlite-dialect.ts';

interface Things {
  things: { id: Generated<number>; name: string };
}

function open() {
  const path = join(temporaryFolder(), 'things.db');
  const writer = new SqliteDatabase(path);
  writer.pragma('journal_mode = WAL');
  writer.exec('create table things (id integer primary key, name text unique not null)');
  const reader = new SqliteDatabase(path, { readonly: true });
  const other = new SqliteDatabase(path, { readonly: true });
  const db = new Kysely<Things>({ dialect: sqliteDialect({ writer, reader }) });
  onTestFinished(async () => {
    await db.destroy();
    other.close();
  });
  const exec = vi.spyOn(writer, 'exec');
  const commits = () => exec.mock.calls.filter(([sql]) => sql === 'commit').length;
  /** What another process sees: what is committed. */
  const onDisk = () => other.prepare('select name from things order by id').pluck().all();
  const add = (name: string) =>
    db.transaction().execute((transaction) => transaction.insertInto('things').values({ name }).execute());
  return { db, writer, commits, onDisk, add };
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `thing ${index}`);

describe('transactions that come together', () => {
  it('share few commits, in their order, and each is acknowledged when it is on disk', async () => {
    const { add, commits, onDisk } = open();
    const all = names(200);
    await Promise.all(all.map(async (name) => add(name).then(() => expect(onDisk()).toContain(name))));
    expect(onDisk()).toEqual(all);
    expect(commits()).toBeLessThanOrEqual(20);
  });

  it('do not undo one another: who fails fails alone', async () => {
    const { db, add, onDisk } = open();
    const results = await Promise.allSettled([
      add('a'),
      add('a'),
      db.transaction().execute(async (transaction) => {
        await transaction.insertInto('things').values({ name: 'half' }).execute();
        throw new Error('changed its mind');
      }),
      db.insertInto('things').values({ name: 'a' }).execute(),
      add('b'),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled']);
    expect(onDisk()).toEqual(['a', 'b']);
  });

  it('see what those before them did; a reader outside sees only what is on disk', async () => {
    const { db, add, onDisk } = open();
    const seen: unknown[] = [];
    const first = add('first');
    const second = db.transaction().execute(async (transaction) => {
      seen.push((await transaction.selectFrom('things').select('name').execute()).length);
      seen.push((await db.selectFrom('things').select('name').execute()).length, onDisk().length);
    });
    await Promise.all([first, second]);
    expect(seen).toEqual([1, 0, 0]);
    expect(await db.selectFrom('things').select('name').execute()).toEqual([{ name: 'first' }]);
  });

  it('are all refused when their commit fails, and the next ones work', async () => {
    const { writer, add, onDisk } = open();
    await add('before');
    vi.spyOn(writer, 'exec').mockImplementation(function exec(this: SqliteDatabase.Database, sql: string) {
      if (sql === 'commit') throw new Error('disk full');
      writer.prepare(sql).run();
      return this;
    });
    const results = await Promise.allSettled(names(5).map(add));
    expect(results.map((result) => result.status === 'rejected' && String(result.reason))).toEqual(
      Array.from({ length: 5 }, () => 'Error: disk full'),
    );
    vi.restoreAllMocks();
    expect(writer.inTransaction).toBe(false);
    await add('after');
    expect(onDisk()).toEqual(['before', 'after']);
  });

  it('are all refused when a full disk makes SQLite undo everything, and the next ones work', async () => {
    const { db, writer, add, onDisk } = open();
    const pages = Number(writer.pragma('page_count', { simple: true }));
    const fill = () =>
      db.transaction().execute(async (transaction) => {
        await transaction
          .insertInto('things')
          .values({ name: 'x'.repeat(100_000) })
          .execute();
      });
    writer.pragma(`max_page_count = ${pages}`);
    const results = await Promise.allSettled([fill(), fill()]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    writer.pragma('max_page_count = 100000');
    await add('after');
    expect(onDisk()).toEqual(['after']);
  });

  it('end with an error, not never, when the database is closed under them', async () => {
    const { db, add } = open();
    const open1 = db.transaction().execute(async (transaction) => {
      await transaction.selectFrom('things').selectAll().execute();
      await db.destroy();
    });
    const waiting = add('never');
    await expect(waiting).rejects.toThrow(/closed/);
    await expect(open1).rejects.toThrow(/not open/);
  });
});
