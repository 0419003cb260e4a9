import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { unpackedPackages } from '@torchpass/quickstart';
import { createAuthority } from '../harness/certificates.ts';
import { eventually, GiveUp } from '../harness/eventually.ts';
import { freePort } from '../harness/ports.ts';
import { start } from '../harness/processes.ts';
import type { Scope } from '../harness/scope.ts';
import { workspace } from '../harness/workspace.ts';

const CACHE = join(import.meta.dirname, '../../.cache');

/** As cfssl's own migrations make it (certdb/sqlite/migrations). */
const TABLE = `CREATE TABLE certificates (
  serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, ca_label blob, status blob NOT NULL,
  reason int, expiry timestamp, revoked_at timestamp, pem blob NOT NULL,
  PRIMARY KEY (serial_number, authority_key_identifier))`;

export interface Cfssl {
  url: string;
  pid: number;
  /** Of Debian's package. */
  version: string;
}

/** Debian's `cfssl serve` with an ECDSA P-256 authority; with `database`, it stores each certificate in SQLite (WAL, FULL). */
export async function startCfssl(
  scope: Scope,
  { database, report }: { database: boolean; report: (sentence: string) => void },
): Promise<Cfssl> {
  // The oldest C library of the suites: it starts on every Debian since. The second is all that the first is linked with.
  const { root, version } = await unpackedPackages('bookworm', ['golang-cfssl', 'libsqlite3-0'], {
    cache: CACHE,
    report,
  });
  const folder = await workspace(scope);
  await createAuthority(folder, 'cfssl');
  const config = join(folder, 'config.json');
  const usages = ['digital signature', 'client auth'];
  await writeFile(config, JSON.stringify({ signing: { default: { expiry: '720h', usages } } }));
  const port = await freePort();
  const authority = [`-ca=${join(folder, 'cfssl/ca.pem')}`, `-ca-key=${join(folder, 'cfssl/ca-key.pem')}`];
  const args = ['serve', '-address=127.0.0.1', `-port=${port}`, `-config=${config}`, ...authority];
  if (database) args.push(`-db-config=${await makeDatabase(folder)}`);
  const libraries = join(root, 'usr/lib');
  const triplet = (await readdir(libraries)).find((name) => name.endsWith('-linux-gnu')) ?? '';
  const cfssl = start(scope, join(root, 'usr/bin/cfssl'), args, {
    env: { LD_LIBRARY_PATH: join(libraries, triplet) },
  });
  await eventually(
    async () => {
      if (cfssl.exit !== undefined) throw new GiveUp(`cfssl has ended:\n${cfssl.output}`);
      const socket = connect({ host: '127.0.0.1', port });
      await once(socket, 'connect').finally(() => socket.destroy());
    },
    { withinMs: 10_000 },
  );
  return { url: `http://127.0.0.1:${port}`, pid: cfssl.pid, version };
}

async function makeDatabase(folder: string): Promise<string> {
  const path = join(folder, 'cfssl.db');
  const database = new DatabaseSync(path);
  // The journal's mode stays with the file.
  database.exec('PRAGMA journal_mode = WAL');
  database.exec(TABLE);
  database.close();
  const file = join(folder, 'db.json');
  // Its driver says synchronous=NORMAL unless it is told otherwise, and then nothing waits for the disk.
  const source = `file:${path}?_busy_timeout=10000&_synchronous=FULL`;
  await writeFile(file, JSON.stringify({ driver: 'sqlite3', data_source: source }));
  return file;
}
