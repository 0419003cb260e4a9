import type { DatabaseConnection, Dialect, Driver } from 'kysely';

/** Calls `beforeStatement` before every statement, also `begin`, `commit` and `rollback`; what it throws, the query throws. */
export function watchStatements(beforeStatement: (sql: string) => void): (dialect: Dialect) => Dialect {
  return (dialect) => ({
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createDriver: () => watched(dialect.createDriver(), beforeStatement),
  });
}

function watched(driver: Driver, before: (sql: string) => void): Driver {
  const wrappers = new WeakMap<DatabaseConnection, DatabaseConnection>();
  const wrap = (connection: DatabaseConnection): DatabaseConnection => {
    const known = wrappers.get(connection);
    if (known !== undefined) return known;
    const wrapper: DatabaseConnection = {
      executeQuery: async (query, options) => {
        before(query.sql);
        return connection.executeQuery(query, options);
      },
      streamQuery: (query, size, options) => connection.streamQuery(query, size, options),
    };
    wrappers.set(connection, wrapper);
    return wrapper;
  };
  return {
    init: (options) => driver.init(options),
    acquireConnection: async (options) => wrap(await driver.acquireConnection(options)),
    beginTransaction: (connection, settings) => driver.beginTransaction(connection, settings),
    commitTransaction: (connection) => driver.commitTransaction(connection),
    rollbackTransaction: (connection) => driver.rollbackTransaction(connection),
    releaseConnection: () => Promise.resolve(),
    destroy: (options) => driver.destroy(options),
  };
}
