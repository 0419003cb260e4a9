import type BetterSqlite from 'better-sqlite3';
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import { CommitGroup } from './commit-group.ts';
import { inWords } from './trouble.ts';
import { rememberStatements, type Statements } from './statements.ts';

export interface Databases {
  /** Everything that changes something, and all of a transaction. */
  writer: BetterSqlite.Database;
  /** Reads outside of transactions: it sees only what is on disk, and does not wait for writers. */
  reader: BetterSqlite.Database;
}

/** SQLite for Kysely, with one writer that commits in groups, and a reader beside it. */
export function sqliteDialect(databases: Databases): Dialect {
  return {
    createAdapter: () => new Adapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createDriver: () => createDriver(databases),
  };
}

/** The writer's turns are taken in the group, not for each connection. */
class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

function createDriver({ writer, reader }: Databases): Driver {
  const group = new CommitGroup(writer);
  const statements = { writer: rememberStatements(writer), reader: rememberStatements(reader) };
  return {
    init: () => Promise.resolve(),
    acquireConnection: () => Promise.resolve(new Connection(group, statements)),
    releaseConnection: () => Promise.resolve(),
    async beginTransaction(connection) {
      await connection.executeQuery(CompiledQuery.raw('begin'));
    },
    async commitTransaction(connection) {
      await connection.executeQuery(CompiledQuery.raw('commit'));
    },
    async rollbackTransaction(connection) {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    },
    destroy: () => {
      group.close();
      reader.close();
      writer.close();
      return Promise.resolve();
    },
  };
}

class Connection implements DatabaseConnection {
  readonly #group: CommitGroup;
  readonly #statements: Record<keyof Databases, Statements>;
  #inTransaction = false;

  constructor(group: CommitGroup, statements: Record<keyof Databases, Statements>) {
    this.#group = group;
    this.#statements = statements;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      return await this.#execute<Row>(query);
    } catch (error) {
      throw inWords(error);
    }
  }

  async #execute<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { writer, reader } = this.#statements;
    if (sql === 'begin') return this.#begin();
    if (sql === 'commit' || sql === 'rollback') return this.#end(sql);
    if (!this.#inTransaction) {
      if (/^\s*select\b/i.test(sql)) return run(reader, sql, parameters);
      return alone(this.#group, () => run<Row>(writer, sql, parameters));
    }
    if (!this.#group.isOpen) throw new Error('the database has undone this transaction');
    return run(writer, sql, parameters);
  }

  // oxlint-disable-next-line require-yield -- the interface wants a generator; nothing here streams
  async *streamQuery(): AsyncGenerator<never> {
    throw new Error('rows are read at once, page by page');
  }

  async #begin(): Promise<QueryResult<never>> {
    await this.#group.enter();
    this.#inTransaction = true;
    return { rows: [] };
  }

  async #end(how: 'commit' | 'rollback'): Promise<QueryResult<never>> {
    // A commit that failed has ended the transaction already.
    if (!this.#inTransaction) return { rows: [] };
    this.#inTransaction = false;
    if (how === 'commit') await this.#group.leave();
    else this.#group.undo();
    return { rows: [] };
  }
}

/** A change outside of a transaction is one of its own. */
async function alone<T>(group: CommitGroup, change: () => T): Promise<T> {
  await group.enter();
  let result: T;
  try {
    result = change();
  } catch (error) {
    group.undo();
    throw error;
  }
  await group.leave();
  return result;
}

function run<Row>(statements: Statements, sql: string, parameters: readonly unknown[]): QueryResult<Row> {
  const statement = statements.prepare(sql);
  if (statement.reader) return { rows: statement.all(parameters) as Row[] };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
}
