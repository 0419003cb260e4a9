import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Files } from '@torchpass/core';
import { findBinaries, type Binaries } from './binaries/index.ts';
import { Children } from './children.ts';
import { PRIVATE_FOLDER, writeAgentConfig, writeControllerConfig, writePrometheusConfig } from './configuration.ts';
import { controllerAddress, layOut, type DemoHost, type Layout } from './layout.ts';
import type { Options } from './options.ts';
import { requireFreePort } from './ports.ts';
import { waitUntilReady, waitUntilUp } from './prometheus-api.ts';
import type { Steps } from './steps.ts';

export interface QuickstartTools {
  checkout: string;
  files: Files;
  steps: Steps;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

const POLL_MS = 50;

/** The whole journey on one machine, each step as an operator and a server's owner would do it. */
export async function runQuickstart(
  options: Options,
  { checkout, files, steps, signal: outside }: QuickstartTools,
): Promise<void> {
  const layout = layOut(options);
  const bin = (name: string) => join(checkout, 'node_modules', '.bin', name);
  const prometheusUrl = `http://127.0.0.1:${options.ports.prometheus}`;

  await requirePorts(layout);
  for (const folder of [layout.dataDir, layout.logs]) await files.makeFolder(folder, PRIVATE_FOLDER);
  const children = new Children(layout.logs);
  // One failure ends everything that still waits for something.
  const ending = new AbortController();
  const signal = AbortSignal.any([outside, ending.signal]);
  const interrupted = once(outside, 'abort').then(() => undefined);

  const journey = async () => {
    const binaries = await findBinaries({ cache: join(checkout, '.cache'), report: steps.say, signal });
    steps.say(`Prometheus and node_exporter: ${binaries.source}`);

    await startController();
    await startPrometheus(binaries);
    for (const host of layout.hosts) await startHost(host, binaries);

    steps.say('Waiting for Prometheus to scrape …');
    const instances = layout.hosts.map(({ address }) => `${address}:${options.ports.exporter}`);
    const targets = await waitUntilUp(prometheusUrl, instances, signal);
    for (const { instance, lastScrape, lastScrapeDuration } of targets) {
      steps.say(
        `Prometheus scraped ${instance} over mutual TLS at ${lastScrape}, in ${(lastScrapeDuration * 1000).toFixed(0)} ms`,
      );
    }
    steps.say('up == 1');
  };

  const startController = async () => {
    await writeControllerConfig(files, layout);
    const config = `--config.file=${layout.controllerConfig}`;
    const report = await children.run('controller-init', bin('torchpass-controller'), ['init', config]);
    steps.say(report.split('\n')[0] ?? '');
    children.start('controller', bin('torchpass-controller'), ['run', config]);
    const ready = `http://127.0.0.1:${options.ports.operations}/-/ready`;
    await until(async () => (await fetch(ready, { signal })).ok);
    steps.say(`The controller is ready: agents connect to ${controllerAddress(options.ports)}`);
  };

  const startPrometheus = async ({ prometheus }: Binaries) => {
    await writePrometheusConfig(files, layout);
    children.start('prometheus', prometheus, [
      `--config.file=${layout.prometheusConfig}`,
      `--storage.tsdb.path=${layout.prometheusData}`,
      `--web.listen-address=127.0.0.1:${options.ports.prometheus}`,
      '--log.level=warn',
    ]);
    await waitUntilReady(prometheusUrl, signal);
    steps.say(`Prometheus is ready: ${prometheusUrl}`);
  };

  const startHost = async (host: DemoHost, { nodeExporter }: Binaries) => {
    await files.makeFolder(host.folder, PRIVATE_FOLDER);
    await writeAgentConfig(files, layout, host, nodeExporter);
    const config = `--config.file=${host.agentConfig}`;
    const enrolled = await exists(join(host.storage, 'identity', 'identity.pem'));
    // The exporter starts when the agent has written its web configuration, and never without it.
    const exporterRuns = startExporterWhenLocked(host, nodeExporter);
    exporterRuns.catch(() => undefined);
    if (enrolled) {
      steps.say(`${host.name} is enrolled already`);
    } else {
      const token = await children.run('torchpass', bin('torchpass'), [
        'token', 'create', '--socket', layout.socket, '--output', 'token',
        '--host-name', host.name, '--address', host.address, '--label', 'env=demo', '--note', 'npm start',
      ]); // prettier-ignore
      await files.write(host.token, { data: token, mode: 0o600 });
      steps.say(`Made a join token for ${host.name}, good for one host and one hour`);
      await children.run(
        `${host.name}-enroll`,
        bin('torchpass-agent'),
        ['enroll', config, '--token-file', host.token],
        (line) => steps.show(`             ${host.name} | ${line}`),
      );
      await files.remove(host.token);
      steps.say(`${host.name} is enrolled`);
    }
    await exporterRuns;
    children.start(`${host.name}-agent`, bin('torchpass-agent'), ['run', config]);
  };

  const startExporterWhenLocked = async (host: DemoHost, nodeExporter: string) => {
    await until(() => exists(host.webConfig));
    children.start(`${host.name}-exporter`, nodeExporter, [
      `--web.listen-address=${host.address}:${options.ports.exporter}`,
      `--web.config.file=${host.webConfig}`,
    ]);
    steps.say(`node_exporter of ${host.name} listens on ${host.address}:${options.ports.exporter}, locked down`);
  };

  const until = async (holds: () => Promise<boolean>) => {
    while (!(await holds().catch(() => false))) await delay(POLL_MS, undefined, { signal });
  };

  try {
    const journeyed = journey();
    journeyed.catch(() => undefined);
    await Promise.race([journeyed, children.loss, interrupted]);
    if (outside.aborted || options.exitAfterReady) return;
    showWhatNext(steps, layout, prometheusUrl);
    await Promise.race([children.loss, interrupted]);
  } finally {
    ending.abort();
    steps.say('Stopping …');
    await children.stop();
    steps.say('Everything is stopped');
  }
}

async function requirePorts({ ports, hosts }: Layout): Promise<void> {
  await requireFreePort('127.0.0.1', ports.controller, 'the controller', '--controller-port');
  await requireFreePort('127.0.0.1', ports.operations, "the controller's health and metrics", '--operations-port');
  await requireFreePort('127.0.0.1', ports.prometheus, 'Prometheus', '--prometheus-port');
  for (const { address } of hosts) await requireFreePort(address, ports.exporter, 'node_exporter', '--exporter-port');
}

function showWhatNext(steps: Steps, layout: Layout, prometheusUrl: string): void {
  const socket = `--socket ${layout.socket}`;
  const lines = [
    '',
    `Prometheus             ${prometheusUrl}/api/v1/query?query=up`,
    `Controller, agents     ${controllerAddress(layout.ports)}`,
    `Controller, metrics    http://127.0.0.1:${layout.ports.operations}/metrics`,
    `State and logs         ${layout.dataDir}`,
    '',
    'Look around, in another terminal:',
    `  npm run -s torchpass -- target list ${socket}`,
    `  npm run -s torchpass -- target check ${socket}`,
    `  curl -k https://${layout.hosts[0]?.address}:${layout.ports.exporter}/metrics     (refused: you have no certificate)`,
    '',
    'To add a real server: run the controller on an address that the server reaches (advertise_address in its',
    'configuration, see docs/operations.md), then',
    `  npm run -s torchpass -- token create --job node ${socket}     here, and`,
    '  torchpass-agent enroll --controller HOST:7443     there; paste the token when asked.',
    '',
    'Ctrl-C stops everything. Run again, it resumes.',
  ];
  for (const line of lines) steps.show(line);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
