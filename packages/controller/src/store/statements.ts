import type BetterSqlite from 'better-sqlite3';
import type { SqliteDatabase, SqliteStatement } from 'kysely';

/** There are about fifty different statements; those of a list's length are as many as lengths. */
const MOST_STATEMENTS = 200;

/**
 * The database as Kysely takes it, which prepares every statement anew: here it gets the one from before. The least
 * recently used go first.
 */
export function rememberStatements(database: BetterSqlite.Database): SqliteDatabase {
  const known = new Map<string, SqliteStatement>();
  return {
    prepare(sql) {
      const statement: SqliteStatement = known.get(sql) ?? database.prepare(sql);
      known.delete(sql);
      known.set(sql, statement);
      const [oldest] = known.keys();
      if (known.size > MOST_STATEMENTS && oldest !== undefined) known.delete(oldest);
      return statement;
    },
    close() {
      known.clear();
      database.close();
    },
  };
}
