import { chmod, copyFile, cp, mkdir, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '@torchpass/controller';
import type { ControllerStatus } from '@torchpass/controller/api';
import { systemClock } from '@torchpass/core';
import { parse, stringify } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { initLabController, startLabController, type InitializedController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { scrapeOnce } from '../harness/handshakes.ts';
import { joinHost, type LabHost } from '../harness/host.ts';
import { runProgram, startProgram } from '../harness/programs.ts';
import { binariesOf } from '../harness/suites.ts';
import { suiteScope, testScope } from '../harness/test-scope.ts';
import { readClientTls } from '../harness/tls-files.ts';
import { workspace } from '../harness/workspace.ts';

/** Files that somebody or something has damaged, and what the programs say or repair. */

const scope = suiteScope();

describe.concurrent('torchpass-controller', () => {
  let pristine: InitializedController;
  beforeAll(async () => {
    pristine = await initLabController(scope);
  });

  /** Another installation like the first one, for a test to damage. */
  async function copy() {
    const folder = await workspace(scope);
    const storage = join(folder, 'controller');
    await cp(pristine.storage, storage, { recursive: true });
    const config = parse(await readFile(pristine.configFile, 'utf8')) as Record<string, unknown>;
    const configFile = join(folder, 'controller.yml');
    const change = (more: object) => writeFile(configFile, stringify({ ...config, storage_path: storage, ...more }));
    await change({ admin: { socket: join(storage, 'controller.sock'), listen_address: '127.0.0.1:0' } });
    return { folder, storage, configFile, change };
  }

  const database = (storage: string) => join(storage, 'torchpass.db');
  const passphrase = (storage: string) => join(storage, 'passphrase');

  it.each<[string, (made: Awaited<ReturnType<typeof copy>>) => Promise<unknown>, number, RegExp]>([
    [
      'a passphrase that others may read',
      ({ storage }) => chmod(passphrase(storage), 0o644),
      2,
      /passphrase can be read or changed by others \(mode 0644\).*chmod 600/,
    ],
    ['no passphrase', ({ storage }) => rm(passphrase(storage)), 2, /The passphrase cannot be read.*Put the file back/],
    ['an empty passphrase', ({ storage }) => writeFile(passphrase(storage), '\n'), 2, /passphrase is empty/],
    ['a wrong passphrase', ({ storage }) => writeFile(passphrase(storage), 'guess\n'), 1, /passphrase/i],
    ['no database', ({ storage }) => rm(database(storage)), 1, /There is no .* in .*controller.*init/],
    [
      'a database that is something else',
      ({ storage }) => writeFile(database(storage), 'hello '.repeat(2000)),
      1,
      /The database .*torchpass.db cannot be opened: file is not a database/,
    ],
    [
      'a database that was cut off',
      ({ storage }) => truncate(database(storage), 20_000),
      1,
      /The database .*(?:malformed|cannot be)/,
    ],
    [
      'an empty database',
      ({ storage }) => truncate(database(storage), 0),
      1,
      /This storage has no authorities yet.*init/,
    ],
    [
      'a database of a later version',
      ({ storage }) => addMigration(database(storage)),
      1,
      /written by a newer Torchpass/,
    ],
    [
      'another trust domain in the configuration',
      ({ change }) => change({ trust_domain: 'other.example' }),
      2,
      /trust_domain is "other.example", but this storage was made for "torchpass.internal"/,
    ],
    ["a folder where Prometheus's certificate should be", foldered, 1, /scraper.pem/],
    [
      'a file where its socket should be',
      ({ storage }) => writeFile(join(storage, 'controller.sock'), ''),
      1,
      /controller.sock that is not a socket/,
    ],
  ])('run, with %s', async (_what, damage, code, answer) => {
    const made = await copy();
    await damage(made);
    const ran = await runProgram(scope, 'torchpass-controller', ['run', `--config.file=${made.configFile}`]);
    expect(ran).toMatchObject({ exit: { code }, stderr: expect.stringMatching(answer) as string });
    expect(ran.stderr).not.toMatch(/\n {4}at |internal error/);
  });

  it('run, with a file where the folder of targets should be: says so, and goes on when it is gone', async () => {
    const { storage, configFile } = await copy();
    const targets = join(storage, 'prometheus', 'targets');
    await rm(targets, { recursive: true });
    await writeFile(targets, '', { mode: 0o640 });
    const running = startProgram(scope, 'torchpass-controller', ['run', `--config.file=${configFile}`]);
    await running.waitFor(/controller is ready/, { withinMs: 60_000 });
    const problem = async () => {
      const args = ['status', '--output', 'json', '--socket', join(storage, 'controller.sock')];
      const { stdout } = await runProgram(scope, 'torchpass', args);
      return (JSON.parse(stdout) as ControllerStatus).publishProblem;
    };
    expect(await problem()).toContain(targets);
    await rm(targets);
    await eventually(async () => expect(await problem()).toBeNull(), { withinMs: 30_000 });
    expect(await running.stop()).toEqual({ code: 0, signal: null });
  });

  it('init, with half of what it makes', async () => {
    const { storage, configFile } = await copy();
    await rm(join(storage, 'prometheus'), { recursive: true });
    const before = await readFile(passphrase(storage), 'utf8');
    const ran = await runProgram(scope, 'torchpass-controller', ['init', `--config.file=${configFile}`]);
    expect(ran).toMatchObject({
      exit: { code: 0 },
      stdout: expect.stringContaining('they stay as they are') as string,
    });
    expect(await readFile(passphrase(storage), 'utf8')).toBe(before);
    expect(await readdir(join(storage, 'prometheus'))).toContain('scrape-config.yml');
  });

  it('check, with an issued certificate that is not what was signed', async () => {
    const { storage, configFile } = await copy();
    const store = await openStore({ path: database(storage), clock: systemClock });
    await store
      .updateTable('certificates')
      .set({ certificate: Buffer.from('3003020100', 'hex') })
      .execute();
    await store.destroy();
    const ran = await runProgram(scope, 'torchpass-controller', ['check', `--config.file=${configFile}`]);
    expect(ran).toMatchObject({ exit: { code: 1 } });
    expect(ran.output).toMatch(/^error: certificate [0-9a-f]{32} \(scraper\): /m);
  });
});

async function foldered({ storage }: { storage: string }): Promise<void> {
  const path = join(storage, 'prometheus', 'scraper.pem');
  await rm(path);
  await mkdir(path, { mode: 0o750 });
}

async function addMigration(path: string): Promise<void> {
  const store = await openStore({ path, clock: systemClock });
  const tables = store.withTables<{ schema_migrations: { name: string; applied_at: string } }>();
  await tables.insertInto('schema_migrations').values({ name: '9999-later', applied_at: '' }).execute();
  await store.destroy();
}

describe('torchpass-agent', () => {
  let host: LabHost;
  let scraper: { cert: string; key: string };
  let ca: string;
  const at = (...path: string[]) => join(host.agent.storage, ...path);
  const knock = async () => {
    const { address, port } = host.exporter;
    return scrapeOnce({ host: address, port, tls: await readClientTls(ca, scraper) });
  };

  beforeAll(async () => {
    const binaries = await binariesOf('trixie');
    const controller = await startLabController(scope);
    host = await joinHost(scope, binaries, { controller, name: 'damaged' });
    ca = join(controller.prometheus, 'exporters-ca.pem');
    scraper = { cert: join(controller.prometheus, 'scraper.pem'), key: join(controller.prometheus, 'scraper-key.pem') };
  });

  it.each<[string, () => Promise<unknown>]>([
    ['an empty web configuration', () => writeFile(host.webConfig, '')],
    ['a web configuration that was cut off', () => truncate(host.webConfig, 200)],
    ['no web configuration', () => rm(host.webConfig)],
    ['no generation', () => rm(at('exporters', 'node', 'generations'), { recursive: true })],
    ['no key', async () => rm(at('exporters', 'node', 'generations', await newest(), 'key.pem'))],
    [
      'a key of somebody else',
      async () => copyFile(scraper.key, at('exporters', 'node', 'generations', await newest(), 'key.pem')),
    ],
    ['a pending key that is none', () => writeFile(at('exporters', 'node', 'next-key.pem'), 'hello')],
    ['capabilities that are none', () => writeFile(at('exporters', 'node', 'capabilities.json'), '{"flag":7}')],
    ['a note of the last pass that is none', () => writeFile(at('status.json'), '[]')],
    ['a lock that nobody holds', () => writeFile(at('lock'), 'hello')],
  ])('sync repairs %s', async (_what, damage) => {
    await damage();
    const ran = await host.agent.sync();
    expect(ran).toMatchObject({ exit: { code: 0 }, stderr: '' });
    expect(await readFile(host.webConfig, 'utf8')).toContain('RequireAndVerifyClientCert');
    expect(await knock()).toBe(await newest());
    expect((await host.agent.status()).exit.code).toBe(0);
  });

  it("leaves somebody else's web configuration alone", async () => {
    const ours = await readFile(host.webConfig, 'utf8');
    const foreign = ours.split('\n').slice(1).join('\n');
    await writeFile(host.webConfig, foreign);
    const ran = await host.agent.sync();
    expect(ran).toMatchObject({ exit: { code: 1 } });
    expect(ran.stderr).toContain('was not written by Torchpass and is left alone');
    expect(await readFile(host.webConfig, 'utf8')).toBe(foreign);
    await writeFile(host.webConfig, ours);
    expect(await host.agent.sync()).toMatchObject({ exit: { code: 0 } });
  });

  it.each<[string, string, RegExp]>([
    ['identity.pem', 'hello', /identity cannot be used: .*identity.pem is damaged.*enroll/],
    ['enrolment.json', '{}', /identity cannot be used: .*enrolment.json is damaged.*enroll/],
  ])('says that %s is damaged', async (file, content, answer) => {
    const path = at('identity', file);
    const good = await readFile(path);
    await writeFile(path, content);
    for (const ran of [await host.agent.sync(), await host.agent.status()]) {
      expect(ran).toMatchObject({ exit: { code: 1 }, stderr: expect.stringMatching(answer) as string });
    }
    await writeFile(path, good);
    expect(await host.agent.sync()).toMatchObject({ exit: { code: 0 } });
  });

  it('says that another resident agent is at work', async () => {
    const own = testScope();
    const first = host.agent.run();
    own.defer(async () => void (await first.stop()));
    await first.waitFor(/the pass is done/, { withinMs: 20_000 });
    const second = host.agent.run();
    expect(await second.exited).toMatchObject({ code: 1 });
    expect(second.stderr).toContain(`Another torchpass-agent (process ${first.pid}) is at work`);
    expect(first.exit).toBeUndefined();
  });

  /** Serial number of the certificate that the web configuration names. */
  async function newest(): Promise<string> {
    return /generations\/([0-9a-f]+)\//.exec(await readFile(host.webConfig, 'utf8'))?.[1] ?? 'none';
  }
});
