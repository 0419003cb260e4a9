import type BetterSqlite from 'better-sqlite3';

/** There are about fifty different statements; those of a list's length are as many as lengths. */
const MOST_STATEMENTS = 200;

export interface Statements {
  /** The statement from before, or a new one. */
  prepare(sql: string): BetterSqlite.Statement;
}

/** Preparing a statement costs more than most of ours take. The least recently used are forgotten. */
export function rememberStatements(database: BetterSqlite.Database): Statements {
  const known = new Map<string, BetterSqlite.Statement>();
  return {
    prepare(sql) {
      const statement = known.get(sql) ?? database.prepare(sql);
      known.delete(sql);
      known.set(sql, statement);
      const [oldest] = known.keys();
      if (known.size > MOST_STATEMENTS && oldest !== undefined) known.delete(oldest);
      return statement;
    },
  };
}
