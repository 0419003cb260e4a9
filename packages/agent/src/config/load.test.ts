import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFiles, type TorchpassError } from '@torchpass/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadSettings, ownName } from './load.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torchpass-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function load(text: string, flags = {}) {
  const configFile = join(folder, 'agent.yml');
  await writeFile(configFile, text);
  return loadSettings({ configFile, ...flags }, nodeFiles());
}

test('a whole file is read, and everything left out has its default', async () => {
  const settings = await load(`
controller: monitor.example.org:7443
storage_path: /srv/agent
host_name: web-1
exporters:
  - name: node
    port: 9100
  - name: postgres
    port: 9187
    probe_address: '[::1]:9187'
    advertise: DB.example.org
    job: databases
    metrics_path: /all
    web_config: /etc/postgres-exporter/web.yml
    owner: root:root
    binary: /usr/bin/prometheus-postgres-exporter
    binary_args: [--no-collector.wal]
    restart: [/usr/bin/systemctl, restart, prometheus-postgres-exporter]
    patience: 1m30s
`);
  expect(settings).toEqual({
    storagePath: '/srv/agent',
    controller: { host: 'monitor.example.org', port: 7443 },
    hostName: 'web-1',
    exporters: [
      {
        name: 'node',
        port: 9100,
        probeAddress: { host: '127.0.0.1', port: 9100 },
        advertise: '',
        job: '',
        metricsPath: '',
        webConfig: '/srv/agent/exporters/node/web-config.yml',
        owner: undefined,
        binary: undefined,
        binaryArgs: [],
        restart: undefined,
        patienceMs: 10_000,
      },
      {
        name: 'postgres',
        port: 9187,
        probeAddress: { host: '::1', port: 9187 },
        advertise: 'db.example.org',
        job: 'databases',
        metricsPath: '/all',
        webConfig: '/etc/postgres-exporter/web.yml',
        owner: { uid: 0, gid: 0 },
        binary: '/usr/bin/prometheus-postgres-exporter',
        binaryArgs: ['--no-collector.wal'],
        restart: ['/usr/bin/systemctl', 'restart', 'prometheus-postgres-exporter'],
        patienceMs: 90_000,
      },
    ],
  });
});

test('an empty file protects node_exporter on its usual port', async () => {
  const settings = await load('# nothing\n');
  expect(settings.storagePath).toBe('/var/lib/torchpass-agent');
  expect(settings.exporters).toMatchObject([{ name: 'node', port: 9100 }]);
  expect(settings.exporters[0]?.webConfig).toBe('/var/lib/torchpass-agent/exporters/node/web-config.yml');
});

test('flags win over the file, also for the paths that follow from them', async () => {
  const settings = await load('storage_path: /srv/a\ncontroller: a.example:1\nexporters: [{name: x, port: 1}]', {
    storagePath: '/srv/b/../c',
    controller: 'b.example:2',
    hostName: 'named',
  });
  expect(settings).toMatchObject({ storagePath: '/srv/c', controller: { host: 'b.example' }, hostName: 'named' });
  expect(settings.exporters[0]?.webConfig).toBe('/srv/c/exporters/x/web-config.yml');
});

const exporter = (lines: string) => `exporters:\n  - {name: node, port: 9100, ${lines}}`;

describe('what is fed, and what is answered', () => {
  test.each([
    ['contoller: a:1', /"contoller" is not known/, /"controller"/],
    ['exporters:\n  - {name: node, prt: 9100}', /"exporters\[0\]\.prt" is not known/, /"port"/],
    ['colour: red', /"colour" is not known/, /Known here: controller/],
    ['[a, b]', /has to be a mapping/, undefined],
    ['just text', /has to be a mapping/, undefined],
    ['a: b: c', /agent\.yml, line 1/, /YAML/],
    ['controller: a:1\ncontroller: b:1', /agent\.yml, line \d/, /YAML/],
    ['a: &x [1]\nb: *x', /aliases .* are not possible/, undefined],
    ['controller: nowhere', /controller is wrong: "nowhere" is not an address/, /HOST:PORT/],
    ['controller: 7443', /controller has to be a text, not 7443/, /quotes/],
    ['storage_path: relative/path', /storage_path is wrong/, /slash/],
    ['storage_path: [a]', /storage_path has to be a text, not a list/, undefined],
    ['host_name: Web 1', /host_name is wrong.*cannot be the name of a host/, /lower-case/],
    ['exporters: {name: node}', /exporters has to be a list, not a mapping/, undefined],
    ['exporters: []', /exporters has 0 entries/, undefined],
    [`exporters: [${'{},'.repeat(65)}]`, /exporters has 65 entries/, undefined],
    ['exporters: [node]', /exporters\[0\] has to be a mapping/, undefined],
    ['exporters: [{port: 1}]', /exporters\[0\]\.name is missing/, undefined],
    ['exporters: [{name: ../x, port: 1}]', /exporters\[0\]\.name is wrong/, undefined],
    ['exporters: [{name: node}]', /exporters\[0\]\.port is missing/, undefined],
    ['exporters: [{name: node, port: 0}]', /whole number from 1 to 65535, not 0/, undefined],
    ['exporters: [{name: node, port: 65536}]', /not 65536/, undefined],
    ['exporters: [{name: node, port: "9100"}]', /not "9100"/, undefined],
    ['exporters: [{name: node, port: 91.5}]', /not 91.5/, undefined],
    [exporter('probe_address: localhost'), /probe_address is wrong/, /HOST:PORT/],
    [exporter('probe_address: localhost:0'), /probe_address has the port 0/, undefined],
    [exporter('advertise: "198.51.100.7:9100"'), /advertise is wrong/, /without a port/],
    [exporter('advertise: 010.0.0.1'), /advertise is wrong/, undefined],
    [exporter('job: "a b"'), /job is wrong/, undefined],
    [exporter('metrics_path: metrics'), /metrics_path is wrong/, /\/metrics/],
    [exporter('metrics_path: "/metrics?x=1"'), /metrics_path is wrong/, undefined],
    [exporter('metrics_path: "/a b"'), /metrics_path is wrong/, undefined],
    [exporter('web_config: web.yml'), /web_config is wrong/, /slash/],
    [exporter('owner: nobody-there'), /owner is wrong: there is no user "nobody-there"/, /runs as/],
    [exporter('owner: "root:no-such-group"'), /there is no group "no-such-group"/, undefined],
    [exporter('owner: "nobody:root"'), /"nobody" is not in the group "root"/, undefined],
    [exporter('owner: "a:b:c"'), /not of the form USER:GROUP/, undefined],
    [exporter('binary: node_exporter'), /binary is wrong/, undefined],
    [exporter('binary_args: --x'), /binary_args has to be a list/, undefined],
    [exporter('binary_args: [1]'), /binary_args\[0\] has to be a text, not 1/, undefined],
    [exporter('restart: systemctl restart node'), /restart has to be a list/, undefined],
    [exporter('restart: [systemctl, restart]'), /restart does not begin with the absolute path/, /No shell/],
    [exporter('restart: []'), /restart does not begin with the absolute path/, undefined],
    [exporter('patience: 10'), /patience has to be a text, not 10/, undefined],
    [exporter('patience: soon'), /patience is wrong: "soon" is not a duration/, /30s/],
    [exporter('patience: 1h'), /patience is wrong: 1h is not between/, undefined],
    [
      'exporters: [{name: a, port: 1}, {name: a, port: 2}]',
      /exporters\[1\]\.name is a, which exporters\[0\] has/,
      undefined,
    ],
    [
      'exporters: [{name: a, port: 1}, {name: b, port: 1}]',
      /exporters\[1\]\.probe_address is 127\.0\.0\.1:1/,
      undefined,
    ],
    [
      'exporters: [{name: a, port: 1}, {name: b, port: 1, probe_address: "127.0.0.2:1"}]',
      /exporters\[1\]\.port is 1 on the same address/,
      undefined,
    ],
    [
      'exporters: [{name: a, port: 1, web_config: /w}, {name: b, port: 2, web_config: /w}]',
      /exporters\[1\]\.web_config is \/w/,
      undefined,
    ],
  ])('%s', async (text, message, hint) => {
    const wrong = expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message) as string,
    });
    await expect(load(text)).rejects.toEqual(wrong);
    await expect(load(text)).rejects.toHaveProperty('message', expect.stringContaining(join(folder, 'agent.yml')));
    const told = await load(text).then(
      () => 'no error',
      (error: unknown) => (error as TorchpassError).hint ?? '',
    );
    expect(told).toMatch(hint ?? /^/);
  });

  test.each([
    [{ controller: 'x' }, /^--controller: "x" is not an address/],
    [{ storagePath: 'x' }, /^--storage\.path: "x" is not an absolute path/],
    [{ hostName: 'X!' }, /^--host-name: "X!" cannot be the name of a host/],
  ])('flag %o', async (flags, message) => {
    await expect(load('', flags)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(message) as string,
    });
  });

  test('a file that was named has to be there', async () => {
    await expect(loadSettings({ configFile: '/nowhere/agent.yml' }, nodeFiles())).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: 'There is no configuration file /nowhere/agent.yml.',
    });
  });

  test('a folder is not a file', async () => {
    await expect(loadSettings({ configFile: folder }, nodeFiles())).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
    });
  });
});

test.each([
  ['Web-1.Example.ORG', 'web-1.example.org'],
  ['my host!', 'my-host'],
  ['--', 'host'],
  ['a..b', 'a.b'],
  [`${'x'.repeat(62)}.example`, 'x'.repeat(62)],
])('the machine name %s becomes %s', (machine, name) => {
  expect(ownName(machine)).toBe(name);
});
