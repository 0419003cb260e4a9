import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/surroundings.ts';
import { loadConfig } from './load.ts';
import type { Overrides } from './overrides.ts';

async function load(text: string, flags: Overrides = {}, machineName = 'Monitor.example.org') {
  const path = join(temporaryFolder(), 'controller.yml');
  await writeFile(path, text);
  return loadConfig(path, flags, machineName);
}

describe('a configuration', () => {
  it('may be empty: everything has a default', async () => {
    expect(await load('')).toMatchObject({
      trust_domain: 'torchpass.internal',
      storage_path: '/var/lib/torchpass',
      listen_address: { host: '::', port: 7443 },
      advertise_address: { host: 'monitor.example.org', port: 7443 },
      admin: { socket: '/var/lib/torchpass/controller.sock', listen_address: { host: '127.0.0.1', port: 7444 } },
      authorities: { passphrase_file: '/var/lib/torchpass/passphrase', root_lifetime: 3650 * 86_400_000 },
      certificates: { identity_lifetime: 30 * 86_400_000, exporter_lifetime: 7 * 86_400_000 },
      policy: { allowed_networks: [] },
      prometheus: { folder: '/var/lib/torchpass/prometheus', scraper_name: 'prometheus' },
      log: { level: 'info', format: 'logfmt' },
    });
    expect(await load('# only a comment\n')).toMatchObject({ log: { level: 'info' } });
  });

  it.each(['admin', 'authorities', 'certificates', 'policy', 'limits', 'targets', 'prometheus', 'log'])(
    'may have nothing in the section %s',
    async (section) => {
      expect(await load(`${section}:\n  # everything commented out\n`)).toEqual(await load(''));
    },
  );

  it('may have nothing in a section that a flag sets', async () => {
    expect(await load('log:\n', { log_level: 'debug' })).toMatchObject({ log: { level: 'debug', format: 'logfmt' } });
  });

  it.each(['web_1', '127.1', 'web 1', ''])(
    'needs an address for agents on a machine named "%s", which is no DNS name',
    async (name) => {
      await expect(load('', {}, name)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(new RegExp(`^advertise_address .*"${name}"`)) as string,
        hint: expect.stringContaining('advertise_address') as string,
      });
      expect(await load('advertise_address: 198.51.100.7:7443\n', {}, name)).toMatchObject({
        advertise_address: { host: '198.51.100.7', port: 7443 },
      });
    },
  );

  it.each(['127.0.0.1:1', '127.8.9.10:1', '"[::1]:1"', 'localhost:1', '"[::ffff:127.0.0.1]:1"'])(
    'may serve health and metrics on loopback: %s',
    async (address) => {
      expect(await load(`admin:\n  listen_address: ${address}\n`)).toMatchObject({
        admin: { listen_address: { port: 1 } },
      });
    },
  );

  it.each(['0.0.0.0:7444', '[::]:7444', '198.51.100.7:7444', '10.0.0.1:7444', '127.example.org:7444', 'monitor:7444'])(
    'may not serve them, unauthenticated, on %s',
    async (address) => {
      const refused = {
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/admin\.listen_address: .*loopback.*put a proxy/) as string,
      };
      await expect(load(`admin:\n  listen_address: "${address}"\n`)).rejects.toMatchObject(refused);
      await expect(load('', { admin_listen_address: address })).rejects.toMatchObject({
        ...refused,
        message: expect.stringMatching(/^--web\.listen-address: .*loopback.*put a proxy/) as string,
      });
    },
  );

  it('decides what follows from what', async () => {
    expect(await load('storage_path: /srv/tp\nlisten_address: "[::]:9"\n')).toMatchObject({
      listen_address: { host: '::', port: 9 },
      advertise_address: { port: 9 },
      admin: { socket: '/srv/tp/controller.sock' },
      authorities: { passphrase_file: '/srv/tp/passphrase' },
      prometheus: { folder: '/srv/tp/prometheus' },
    });
  });

  it('says of a wrong value of a flag which flag, and of the file only what stands in it', async () => {
    await expect(
      load('limits: { connections: 1 }\n', { listen_address: 'x', log_level: 'loud' }),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /^--listen-address: "x" is not HOST:PORT; --log\.level: [^/]*; \/[^ ]*controller.*: limits\.connections: [^;]*$/,
      ) as string,
    });
  });

  it('is overruled by flags, which are read as strictly', async () => {
    const text = 'listen_address: 127.0.0.1:1\nlog: { level: error, format: json }\nadmin: { socket: /run/tp.sock }\n';
    const flags = { listen_address: '127.0.0.1:2', log_level: 'debug', admin_listen_address: '127.0.0.1:3' };
    expect(await load(text, flags)).toMatchObject({
      listen_address: { port: 2 },
      log: { level: 'debug', format: 'json' },
      admin: { socket: '/run/tp.sock', listen_address: { port: 3 } },
    });
    await expect(load('', { listen_address: 'nonsense' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(load('', { storage_path: 'relative' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(load('log: nonsense\n', { log_level: 'debug' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('a value that is wrong is refused and its key is named', () => {
  it.each<[string, string]>([
    ['trust_domain', 'Torch Pass'],
    ['trust_domain', '""'],
    ['trust_domain', '7'],
    ['trust_domain', 'null'],
    ['storage_path', 'var/lib/torchpass'],
    ['storage_path', '[]'],
    ['listen_address', '7443'],
    ['listen_address', '":7443"'],
    ['listen_address', '0.0.0.0:65536'],
    ['listen_address', 'somewhere'],
    ['advertise_address', 'https://monitor.example.org'],
    ['admin.socket', 'controller.sock'],
    ['admin.socket_group', '12'],
    ['admin.listen_address', '7444'],
    ['authorities.passphrase_file', 'passphrase'],
    ['authorities.root_lifetime', '59m'],
    ['authorities.root_lifetime', '31y'],
    ['authorities.issuing_lifetime', '9m'],
    ['authorities.issuing_lifetime', 'never'],
    ['certificates.identity_lifetime', '59s'],
    ['certificates.identity_lifetime', '2y'],
    ['certificates.exporter_lifetime', '7'],
    ['certificates.exporter_lifetime', '-7d'],
    ['certificates.scraper_lifetime', '1d7w'],
    ['certificates.controller_lifetime', '30s'],
    ['policy.allowed_networks', '10.0.0.0/8'],
    ['policy.allowed_networks', '["10/8"]'],
    ['policy.allowed_networks', '["010.0.0.0/8"]'],
    ['policy.allowed_networks', '["10.0.0.0/40"]'],
    ['policy.allowed_networks', '["web.example.org/8"]'],
    ['limits.rate_factor', '0'],
    ['limits.rate_factor', '"1"'],
    ['limits.rate_factor', '.nan'],
    ['limits.connections', '9'],
    ['limits.connections', '10.5'],
    ['targets.probe_timeout', '99ms'],
    ['targets.probe_timeout', '1m'],
    ['targets.publish_interval', '61s'],
    ['targets.check_in_interval', '999ms'],
    ['targets.check_in_interval', '25h'],
    ['prometheus.folder', './prometheus'],
    ['prometheus.user', '[prometheus]'],
    ['prometheus.scraper_name', 'Berlin'],
    ['prometheus.scraper_name', '../x'],
    ['prometheus.web_names', '[]'],
    ['prometheus.web_names', '["*.example.org"]'],
    ['prometheus.web_names', '["127.0.0.1:9090"]'],
    ['log.level', 'verbose'],
    ['log.format', 'xml'],
    ['admin', '7'],
    ['log', '[]'],
  ])('%s: %s', async (key, value) => {
    const [section, name] = key.split('.');
    const text = name === undefined ? `${key}: ${value}\n` : `${section}:\n  ${name}: ${value}\n`;
    await expect(load(text)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(key) as string,
    });
  });
});

describe('a key that is not known', () => {
  it.each([
    ['storage_pat: /srv\n', 'storage_pat', 'storage_path'],
    ['log:\n  levle: debug\n', 'log.levle', 'level'],
    ['targets:\n  probe_timeot: 1s\n', 'targets.probe_timeot', 'probe_timeout'],
    ['certificates:\n  exporters_lifetime: 1d\n', 'certificates.exporters_lifetime', 'exporter_lifetime'],
  ])('is refused with the nearest known one: %s', async (text, key, meant) => {
    await expect(load(text)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`unknown key "${key}" (did you mean "${meant}"?)`) as string,
    });
  });

  it('gets no suggestion when there is none near, and all of them are named', async () => {
    const problem = load('frobnicate: true\nlog: { colour: red }\n');
    await expect(problem).rejects.toMatchObject({
      message: expect.stringContaining('unknown key "frobnicate"') as string,
    });
    await expect(problem).rejects.toMatchObject({
      message: expect.stringContaining('unknown key "log.colour"') as string,
    });
    await expect(problem).rejects.toMatchObject({ message: expect.not.stringContaining('did you mean') as string });
  });
});

describe('a file that is no configuration', () => {
  it.each([
    ['a list', '- a\n- b\n', 'keys and values'],
    ['a word', 'torchpass\n', 'keys and values'],
    ['an open bracket', 'log: { level: info\nstorage_path: /srv\n', 'line'],
    ['a key twice', 'log: {}\nlog: {}\n', 'line 2'],
    ['a tab for a space', 'log:\n\tlevel: info\n', 'line 2'],
    ['an anchor that is used', 'log: &a {}\nadmin: *a\n', ''],
  ])('%s is refused, with its place', async (_what, text, place) => {
    await expect(load(text)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(new RegExp(`controller\\.yml.*${place}`)) as string,
    });
  });

  it('a folder, a file that is not there, and one that is too large', async () => {
    const folder = temporaryFolder();
    await mkdir(join(folder, 'a'));
    await writeFile(join(folder, 'large.yml'), '#'.repeat(1024 * 1024 + 1));
    await expect(loadConfig(join(folder, 'a'), {})).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
    await expect(loadConfig(join(folder, 'b.yml'), {})).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
    await expect(loadConfig(join(folder, 'large.yml'), {})).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
