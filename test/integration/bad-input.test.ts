import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { startLabController, type LabController } from '../harness/controller.ts';
import { freePort } from '../harness/ports.ts';
import { runProgram, type Program } from '../harness/programs.ts';
import { suiteScope } from '../harness/test-scope.ts';
import { workspace } from '../harness/workspace.ts';

/** Wrong command lines, wrong configuration, and what the whole program answers: exit code and words. */

const scope = suiteScope();
let controller: LabController;
let elsewhere: LabController;
let folder: string;
let tokens: Record<'used' | 'expired' | 'revoked' | 'foreign' | 'elsewhere', string>;

const agentFlags = (name: string) => [
  `--storage.path=${join(folder, encodeURIComponent(name))}`,
  `--controller=${controller.address}`,
];

beforeAll(async () => {
  folder = await workspace(scope);
  [controller, elsewhere] = await Promise.all([startLabController(scope), startLabController(scope)]);
  const [used, expired, revoked, foreign, other] = await Promise.all([
    controller.createToken(),
    controller.createToken('--expires-in', '1s'),
    controller.createToken(),
    controller.createToken('--network', '198.51.100.0/24'),
    elsewhere.createToken(),
  ]);
  tokens = { used, expired, revoked, foreign, elsewhere: other };
  await controller.operator('token', 'revoke', revoked.split('.')[1] ?? '');
  const exporters = [{ name: 'node', port: await freePort(), patience: '100ms' }];
  await writeFile(join(folder, 'agent.yml'), stringify({ exporters }));
  const args = ['enroll', ...agentFlags('first'), `--config.file=${join(folder, 'agent.yml')}`, '--host-name=first'];
  await runProgram(scope, 'torchpass-agent', args, { input: used });
});

/** Nothing of a program's inside and nothing secret is shown, whatever goes wrong. */
async function run(program: Program, args: readonly string[], input = '') {
  const { exit, output } = await runProgram(scope, program, args, { input });
  expect(output).not.toMatch(/\n {4}at |node:internal|\[object Object\]|undefined/);
  for (const token of Object.values(tokens)) expect(output).not.toContain(token.split('.')[2]);
  return { code: exit.code, output };
}

describe.concurrent('torchpass-controller', () => {
  it.each<[string, number, RegExp]>([
    ['', 2, /Say what to do: init, run, check/],
    ['rnu', 2, /unknown command 'rnu'.*run/s],
    ['run --web.listen-adress :1', 2, /unknown option '--web.listen-adress'.*--web.listen-address/s],
    ['run now', 2, /too many arguments/],
    ['run --log.level=loud', 2, /Allowed choices are debug, info, warn, error/],
    ['check --config.file=/nowhere/c.yml', 2, /\/nowhere\/c.yml cannot be read: ENOENT/],
    ['run --listen-address=nowhere', 2, /--listen-address: "nowhere" is not HOST:PORT/],
    ['run --advertise-address nowhere', 2, /--advertise-address: "nowhere" is not HOST:PORT/],
    ['check --web.listen-address=:x', 2, /--web.listen-address: ":x" is not HOST:PORT/],
    ['run --storage.path=relative', 2, /--storage.path: "relative" is not an absolute path/],
    ['run --storage.path=/nowhere/at/all', 1, /There is no controller in \/nowhere\/at\/all yet.*init/],
    ['check --storage.path=/nowhere/at/all', 1, /There is no .* in \/nowhere\/at\/all.*init/],
    ['init --storage.path=/proc/torchpass', 1, /\/proc\/torchpass/],
  ])('%s', async (line, code, answer) => {
    const ran = await run('torchpass-controller', line.split(' ').filter(Boolean));
    expect(ran).toMatchObject({ code, output: expect.stringMatching(answer) as string });
  });

  it.each<[string, RegExp]>([
    ['polcy: {}', /unknown key "polcy" \(did you mean "policy"\?\)/],
    ['admin: { sockt: /x }', /unknown key "admin.sockt" \(did you mean "socket"\?\)/],
    ['certificates: { exporter_lifetime: soon }', /certificates.exporter_lifetime: "soon" is not a duration/],
    ['certificates: { exporter_lifetime: 5s }', /certificates.exporter_lifetime: is shorter than 60 s/],
    ['policy: { allowed_networks: [10.0.0.0/33] }', /policy.allowed_networks.0: "10.0.0.0\/33" is not a network/],
    ['limits: { rate_factor: 0 }', /limits.rate_factor/],
    ['trust_domain: "Not A Domain"', /trust_domain: "Not A Domain" is not a SPIFFE trust domain/],
    ['log: { level: loud }', /log.level/],
    ['- a\n- b', /does not hold keys and values/],
    ['a: [', /controller.yml, line 1/],
    ['storage_path: /a\nstorage_path: /b', /controller.yml, line 2.*unique/],
  ])('with %s in its configuration', async (text, answer) => {
    const path = join(await workspace(scope), 'controller.yml');
    await writeFile(path, text);
    const ran = await run('torchpass-controller', ['check', `--config.file=${path}`]);
    expect(ran).toMatchObject({ code: 2, output: expect.stringMatching(answer) as string });
    expect(ran.output).toContain(path);
  });

  it('with a user in its configuration who does not exist', async () => {
    const path = join(await workspace(scope), 'controller.yml');
    await writeFile(path, 'prometheus: { user: nobody-has-this-name }');
    expect(await run('torchpass-controller', ['check', `--config.file=${path}`])).toMatchObject({
      code: 2,
      output: expect.stringContaining('prometheus.user: there is no user "nobody-has-this-name"') as string,
    });
  });

  it.each<[string, (port: number) => object]>([
    ['listen_address', (port) => ({ listen_address: `127.0.0.1:${port}` })],
    ['admin.listen_address', (port) => ({ admin: { listen_address: `127.0.0.1:${port}` } })],
  ])('whose %s is taken', async (key, config) => {
    const own = await workspace(scope);
    const storage_path = join(own, 'storage');
    const path = join(own, 'controller.yml');
    const spare = { listen_address: `127.0.0.1:${await freePort()}`, admin: { listen_address: '127.0.0.1:0' } };
    await writeFile(path, stringify({ storage_path, ...spare, ...config(controller.port) }));
    expect(await run('torchpass-controller', ['init', `--config.file=${path}`])).toMatchObject({ code: 0 });
    const ran = await run('torchpass-controller', ['run', `--config.file=${path}`]);
    expect(ran.code).toBe(1);
    expect(ran.output).toContain(`Another program already listens on ${controller.address}.`);
    expect(ran.output).toContain(`choose another address with ${key}`);
  });
});

describe.concurrent('torchpass', () => {
  it.each<[string, number, RegExp]>([
    ['host lst', 2, /Unknown command 'lst'.*list/s],
    ['token create --uses none', 2, /--uses: "none" is not a whole number/],
    ['host revoke first', 2, /no terminal to ask on.*--yes/s],
    ['token create --uses 0', 1, /uses/],
    ['token create --expires-in 1000d', 1, /cannot be valid for 1000d.*366d/s],
    ['token create --label __meta=1', 1, /__meta/],
    ['token create --label instance=1', 1, /instance/],
    ['token create --label a-b=1', 1, /a-b/],
    ['token create --job ../up', 1, /job/],
    ['token create --host-name controller', 1, /"controller"/],
    ['token create --host-name a --uses 2', 1, /can have one use only/],
    ['token create --network 10.0.0.0/33', 1, /10.0.0.0\/33/],
    ['token create --address http://x', 1, /http:\/\/x/],
    ['token create --exporter ../x', 1, /\.\.\/x/],
    ['token revoke aaaaaaaaaaaaaaaa', 1, /There is no token "aaaaaaaaaaaaaaaa"/],
    ['host show nobody', 1, /There is no .*"nobody"/],
    ['host revoke nobody --yes', 1, /There is no active host "nobody"/],
    ['prometheus check /nowhere/prometheus.yml', 1, /There is no file \/nowhere\/prometheus.yml/],
  ])('%s', async (line, code, answer) => {
    const ran = await run('torchpass', [...line.split(' '), '--socket', controller.socket]);
    expect(ran).toMatchObject({ code, output: expect.stringMatching(answer) as string });
  });

  it.each<[string, number, RegExp]>([
    ['/nowhere/controller.sock', 4, /There is no controller at|\/nowhere\/controller.sock/],
    ['/etc/hostname', 4, /\/etc\/hostname/],
  ])('with the socket %s', async (socket, code, answer) => {
    const ran = await run('torchpass', ['status', '--socket', socket]);
    expect(ran).toMatchObject({ code, output: expect.stringMatching(answer) as string });
  });

  it('prometheus check, for a configuration that scrapes nothing', async () => {
    const path = join(await workspace(scope), 'prometheus.yml');
    await writeFile(path, 'scrape_configs: []\n');
    const ran = await run('torchpass', ['prometheus', 'check', path, '--socket', controller.socket]);
    expect(ran).toMatchObject({
      code: 1,
      output: expect.stringContaining('scrapes nothing through Torchpass') as string,
    });
  });
});

describe.concurrent('torchpass-agent', () => {
  it.each<[string, number, RegExp]>([
    ['enrol', 2, /unknown command 'enrol'.*enroll/s],
    ['enroll --token=tpjoin1.abc', 2, /not accepted as an argument/],
    ['enroll', 2, /No join token was given on standard input/],
    ['enroll --token-file=/nowhere/token', 2, /there is no file \/nowhere\/token/],
    ['enroll --host-name=Web_1!', 2, /"Web_1!" cannot be the name of a host/],
    ['sync', 1, /This host is not enrolled.*torchpass-agent enroll/],
    ['run', 1, /This host is not enrolled/],
    ['status', 1, /This host is not enrolled/],
    ['leave', 1, /This host is not enrolled/],
    ['sync --config.file=/nowhere/agent.yml', 2, /There is no configuration file \/nowhere\/agent.yml/],
  ])('%s', async (line, code, answer) => {
    const ran = await run('torchpass-agent', [...line.split(' '), ...agentFlags(line)]);
    expect(ran).toMatchObject({ code, output: expect.stringMatching(answer) as string });
  });

  const rejected = /The controller does not accept this join token/;
  it.each<[string, () => string, number, RegExp]>([
    ['that is damaged', () => tokens.used.replace('tpjoin1.', 'tpjoin1.a'), 1, /The join token cannot be read/],
    ['that is something else', () => 'hello', 1, /does not begin with "tpjoin1."/],
    ['of another controller', () => tokens.elsewhere, 3, /not the controller that made this join token.*not sent/s],
    ['that was used', () => tokens.used, 3, rejected],
    ['that has expired', () => tokens.expired, 3, rejected],
    ['that was revoked', () => tokens.revoked, 3, rejected],
    ['for another network', () => tokens.foreign, 3, rejected],
  ])('enroll, with a token %s', async (what, token, code, answer) => {
    const ran = await run('torchpass-agent', ['enroll', ...agentFlags(what)], token());
    expect(ran).toMatchObject({ code, output: expect.stringMatching(answer) as string });
    expect((await controller.hosts()).map(({ name }) => name)).toEqual(['first']);
  });

  it('enroll, where nothing listens', async () => {
    const args = ['enroll', `--storage.path=${join(folder, 'lost')}`, `--controller=127.0.0.1:${await freePort()}`];
    const ran = await run('torchpass-agent', args, tokens.used);
    expect(ran).toMatchObject({ code: 4, output: expect.stringMatching(/cannot be reached.*ECONNREFUSED/) as string });
  });

  it('enroll, under a name that another host has', async () => {
    const token = await controller.createToken();
    const ran = await run('torchpass-agent', ['enroll', ...agentFlags('double'), '--host-name=first'], token);
    expect(ran).toMatchObject({ code: 1, output: expect.stringMatching(/There is a host "first" already/) as string });
    expect(await controller.tokens()).toContainEqual(expect.objectContaining({ id: token.split('.')[1], uses: 0 }));
  });

  it('enroll, with a token of another controller than the one it belongs to', async () => {
    const args = ['enroll', `--storage.path=${join(folder, 'first')}`, `--controller=${elsewhere.address}`];
    const ran = await run('torchpass-agent', args, tokens.elsewhere);
    expect(ran.code).toBe(1);
    expect(ran.output).toMatch(/already enrolled as "first".*torchpass-agent leave/s);
  });

  it('sync, with an unknown key in its configuration', async () => {
    const path = join(await workspace(scope), 'agent.yml');
    await writeFile(path, 'exporters: [{ name: node, prt: 9100 }]\n');
    const ran = await run('torchpass-agent', ['sync', `--config.file=${path}`, ...agentFlags('first')]);
    expect(ran.code).toBe(2);
    expect(ran.output).toMatch(/"exporters\[0\].prt" is not known.*"port"/s);
  });
});
