import SqliteDatabase from 'better-sqlite3';
import { expect, it, onTestFinished, vi } from 'vitest';
import { rememberStatements } from './statements.ts';

function open() {
  const database = new SqliteDatabase(':memory:');
  onTestFinished(() => void database.close());
  database.exec("CREATE TABLE things (name TEXT); INSERT INTO things VALUES ('first')");
  return { database, prepare: vi.spyOn(database, 'prepare'), remembering: rememberStatements(database) };
}

it('prepares a statement once, however often and with whatever values it runs', () => {
  const { prepare, remembering } = open();
  for (const name of ['a', 'b', 'c']) remembering.prepare('INSERT INTO things VALUES (?)').run([name]);
  expect(remembering.prepare('SELECT count(*) AS count FROM things').all([])).toEqual([{ count: 4 }]);
  expect(prepare).toHaveBeenCalledTimes(2);
});

it('answers with the columns of now, also after the table was changed', () => {
  const { database, remembering } = open();
  const all = () => remembering.prepare('SELECT * FROM things').all([]);
  expect(all()).toEqual([{ name: 'first' }]);
  database.exec("ALTER TABLE things ADD COLUMN color TEXT DEFAULT 'red'");
  expect(all()).toEqual([{ name: 'first', color: 'red' }]);
});

it('forgets what was not used for long, and keeps what is used all the time', () => {
  const { prepare, remembering } = open();
  for (let length = 1; length <= 1000; length += 1) {
    remembering.prepare('SELECT name FROM things').all([]);
    remembering.prepare(`SELECT ${length}`).all([]);
  }
  expect(prepare).toHaveBeenCalledTimes(1001);
  remembering.prepare('SELECT 1').all([]);
  expect(prepare).toHaveBeenCalledTimes(1002);
});
