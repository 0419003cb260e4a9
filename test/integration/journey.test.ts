import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentStatus } from '@torchpass/agent';
import type { PrometheusFindings, TargetChecks } from '@torchpass/controller/api';
import type { Binaries } from '@torchpass/quickstart';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../harness/certificates.ts';
import { startLabController, type LabController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { joinHost, type LabHost } from '../harness/host.ts';
import { get } from '../harness/http.ts';
import { DISCOVERY_MS, startPastedPrometheus, type PastedPrometheus } from '../harness/pasted.ts';
import { runToEnd } from '../harness/processes.ts';
import { binariesOf, SUITES } from '../harness/suites.ts';
import { suiteScope, testScope } from '../harness/test-scope.ts';
import { readClientTls } from '../harness/tls-files.ts';
import { workspace } from '../harness/workspace.ts';

/** One server's life, step by step, on the programs of each release: a step finds what the one before has left. */
describe.each(SUITES)('a server joins a controller beside the programs of %s', (suite) => {
  const scope = suiteScope();
  let binaries: Binaries;
  let controller: LabController;
  let host: LabHost;
  let prometheus: PastedPrometheus;
  const json = async <T>(...args: string[]) => JSON.parse(await controller.operator(...args, '--output', 'json')) as T;
  const up = async () => (await prometheus.query('up')).map(({ labels, value }) => ({ ...labels, value }));
  const series = () => ({ __name__: 'up', job: 'node', instance: host.target, host: 'web-1', env: 'test' });

  beforeAll(async () => {
    binaries = await binariesOf(suite);
    controller = await startLabController(scope);
    prometheus = await startPastedPrometheus(scope, binaries, controller);
    host = await joinHost(scope, binaries, { controller, name: 'web-1', token: ['--label', 'env=test'] });
  });

  it('and says so', () => {
    expect(host.said).toContain('This host is "web-1".');
    expect(host.said).toMatch(new RegExp(`Exporter "node": published as ${host.target}, certificate valid until 20`));
  });

  it('and is scraped', async () => {
    await eventually(async () => expect(await up()).toEqual([{ ...series(), value: 1 }]), { withinMs: DISCOVERY_MS });
    expect(await prometheus.query('node_uname_info')).toHaveLength(1);
    expect(await prometheus.targets()).toMatchObject([{ health: 'up', lastError: '', scrapePool: 'torchpass' }]);
  });

  it('and closes every wrong way, as seen from the controller', async () => {
    const { checks } = await json<TargetChecks>('target', 'check');
    const [check] = checks;
    expect(checks).toMatchObject([{ host: 'web-1', exporter: 'node', target: host.target, passed: true }]);
    expect(check?.layers.map(({ name, passed }) => `${name}: ${passed}`)).toEqual([
      'plain HTTP is refused: true',
      'no client certificate is refused: true',
      'an agent identity is refused: true',
      "another exporter's certificate is refused: true",
      'the scraper is let in and sees the newest certificate: true',
    ]);
  });

  it('and knows how it stands', async () => {
    const { exit, stdout } = await host.agent.status();
    expect(exit.code).toBe(0);
    const status = JSON.parse(stdout) as AgentStatus;
    const [target] = await controller.targets();
    expect(status).toMatchObject({ host: 'web-1', controller: controller.address, last_pass: { problem: null } });
    expect(status.exporters).toMatchObject([
      {
        name: 'node',
        web_config: host.webConfig,
        certificate: { serial: target?.serial, not_after: target?.notAfter, names: ['127.0.0.1'] },
        serving: { serial: target?.serial, locked: true, problem: null },
        target: { state: 'published', address: host.target, problem: null },
        problem: null,
      },
    ]);
    const text = await host.agent.status('text');
    expect(text.exit.code).toBe(0);
    expect(text.stdout).toMatch(/^Host {8}web-1$/m);
    expect(text.stdout).toContain(`serves now         certificate ${target?.serial}, closed to strangers`);
    expect(text.stdout).toContain(`published as ${host.target}`);
    expect(text.stdout).toMatch(/^Next {8}The first renewal is due in \d/m);
  });

  it('and is known to the operator', async () => {
    expect(await controller.hosts()).toMatchObject([
      { name: 'web-1', state: 'active', address: '127.0.0.1', exporters: [{ exporter: 'node', state: 'published' }] },
    ]);
    expect(await controller.targets()).toMatchObject([
      { host: 'web-1', job: 'node', target: host.target, labels: { env: 'test' }, state: 'published', problem: null },
    ]);
    expect(await controller.tokens()).toMatchObject([{ state: 'used', uses: 1, maxUses: 1, job: 'node' }]);
    expect(await json('status')).toMatchObject({
      controller: controller.address,
      hosts: { active: 1, pending: 0, revoked: 0, left: 0 },
      targets: { published: 1, pending: 0, refused: 0 },
      publishProblem: null,
    });
    expect(await controller.operator('host', 'show', 'web-1')).toContain(host.target);
  });

  it('while the pasted job has no finding', async () => {
    const { findings } = await json<PrometheusFindings>('prometheus', 'check', prometheus.configFile);
    expect(findings).toEqual([]);
  });

  it('while the controller says how it is, in the words of Prometheus', async () => {
    expect(await get(`${controller.operations}/-/healthy`)).toMatchObject({ status: 200 });
    expect(await get(`${controller.operations}/-/ready`)).toMatchObject({ status: 200 });
    const metrics = await get(`${controller.operations}/metrics`);
    expect(metrics.status).toBe(200);
    expect(metrics.body).toMatch(/^torchpass_build_info\{.*\} 1$/m);
    if (binaries.promtool === undefined) return;
    const checked = await runToEnd(testScope(), binaries.promtool, ['check', 'metrics'], { input: metrics.body });
    expect(checked).toMatchObject({ exit: { code: 0 }, output: '' });
    const config = await runToEnd(testScope(), binaries.promtool, ['check', 'config', prometheus.configFile]);
    expect(config).toMatchObject({ exit: { code: 0 } });
  });

  it("while Prometheus's own interface speaks TLS and refuses a foreign certificate", async () => {
    const own = testScope();
    const folder = await workspace(own);
    const ca = join(controller.prometheus, 'exporters-ca.pem');
    const files = {
      cert: join(controller.prometheus, 'scraper.pem'),
      key: join(controller.prometheus, 'scraper-key.pem'),
    };
    const anybody = await readClientTls(ca);
    const configFile = join(controller.prometheus, 'web-config.yml');
    const { url } = await startPastedPrometheus(own, binaries, controller, { web: { configFile, tls: anybody } });
    expect(await get(`${url}/-/ready`, { tls: anybody })).toMatchObject({ status: 200 });
    expect(await get(`${url}/-/ready`, { tls: await readClientTls(ca, files) })).toMatchObject({ status: 200 });
    const foreign = await (await createAuthority(folder, 'foreign')).issue('scraper', { usage: 'clientAuth' });
    await expect(get(`${url}/-/ready`, { tls: await readClientTls(ca, foreign) })).rejects.toThrow(/alert|ECONNRESET/);
    expect(await get(url.replace('https', 'http'))).toMatchObject({ status: 400 });
  });

  it('and stays a target while it is down', async () => {
    await host.exporter.process.stop();
    await eventually(async () => expect(await up()).toEqual([{ ...series(), value: 0 }]), { withinMs: 10_000 });
    const sync = await host.agent.sync();
    expect(sync.exit.code).toBe(1);
    expect(sync.stderr).toContain('Nothing answers at');
    expect(await controller.targets()).toMatchObject([{ target: host.target, state: 'published' }]);
    expect(await up()).toEqual([{ ...series(), value: 0 }]);
    await host.exporter.restart();
    await eventually(async () => expect(await up()).toEqual([{ ...series(), value: 1 }]), { withinMs: 10_000 });
    expect((await host.agent.sync()).exit.code).toBe(0);
  });

  it('until it is thrown out', async () => {
    await controller.operator('host', 'revoke', 'web-1', '--reason', 'sold', '--yes');
    expect(await readFile(join(controller.prometheus, 'targets', 'node.json'), 'utf8')).toMatch(/^\[\]\s*$/);
    await eventually(async () => expect(await prometheus.targets()).toEqual([]), { withinMs: DISCOVERY_MS });
    expect(await controller.hosts()).toMatchObject([{ name: 'web-1', state: 'revoked' }]);
    const sync = await host.agent.sync('--renew');
    expect(sync.exit.code).toBe(3);
    expect(sync.stderr).toContain('does not accept the identity of host "web-1"');
    expect(sync.stderr).toContain('--replace web-1');
  });
});
