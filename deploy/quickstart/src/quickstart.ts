import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, type Files, TorchpassError } from '@torchpass/core';
import { findBinaries, type Binaries } from './binaries/index.ts';
import { Children } from './children.ts';
import { PRIVATE_FOLDER, writeAgentConfig, writeControllerConfig, writePrometheusConfig } from './configuration.ts';
import { endsWithUs } from './ends-with-us.ts';
import { controllerAddress, layOut, type DemoHost, type Layout } from './layout.ts';
import type { Options } from './options.ts';
import { requireFreePort } from './ports.ts';
import { waitUntilReady, waitUntilUp } from './prometheus-api.ts';
import type { Steps } from './steps.ts';
import { whatNext } from './what-next.ts';

export interface QuickstartTools {
  checkout: string;
  files: Files;
  steps: Steps;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

const POLL_MS = 50;
const PATIENCE_MS = 60_000;

/**
 * The whole journey on one machine, each step as an operator and a server's owner would do it.
 * Returns once everything is stopped, also when interrupted; fails with the reason when the journey does.
 */
export async function runQuickstart(
  options: Options,
  { checkout, files, steps, signal: outside }: QuickstartTools,
): Promise<void> {
  const interrupted = outside.aborted ? Promise.resolve() : once(outside, 'abort').then(() => undefined);
  const layout = layOut(options);
  const bin = (name: string) => join(checkout, 'node_modules', '.bin', name);
  const prometheusUrl = `http://127.0.0.1:${options.ports.prometheus}`;

  await requirePorts(layout);
  for (const folder of [layout.dataDir, layout.logs]) await files.makeFolder(folder, PRIVATE_FOLDER);
  const children = new Children(layout.logs, await endsWithUs());
  // One failure ends everything that still waits for something.
  const ending = new AbortController();
  const signal = AbortSignal.any([outside, ending.signal]);

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
    await until(
      async () => (await fetch(ready, { signal })).ok,
      'CONTROLLER_UNREACHABLE',
      'the controller is not ready',
    );
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
    // The exporter starts when the agent has written its web configuration, and never without it.
    const exporterRuns = startExporterWhenLocked(host, nodeExporter);
    exporterRuns.catch(() => undefined);
    const agentRuns = () => children.start(`${host.name}-agent`, bin('torchpass-agent'), ['run', config]);
    const progress = await enrolmentOf(host);
    if (progress.isMember && !progress.tokenIsKept) {
      steps.say(`${host.name} is enrolled already`);
      // First the agent: should the web configuration be missing, it is the one to write it.
      agentRuns();
      await exporterRuns;
    } else {
      await enroll(host, config, progress);
      await exporterRuns;
      agentRuns();
    }
  };

  /** Goes on with an enrolment that was interrupted: its token is there until it has ended. */
  const enroll = async (host: DemoHost, config: string, { tokenIsKept, isMember }: Progress) => {
    if (tokenIsKept) steps.say(`Going on with the enrolment of ${host.name}`);
    else await makeToken(host);
    try {
      await runEnroll(host, config);
    } catch (error) {
      // A token that was kept may have expired in between.
      if (!tokenIsKept || isMember || signal.aborted) throw error;
      steps.say(`The token kept for ${host.name} does not help any more`);
      await makeToken(host);
      await runEnroll(host, config);
    }
    await files.remove(host.token);
    steps.say(`${host.name} is enrolled`);
  };

  const makeToken = async (host: DemoHost) => {
    const token = await children.run('torchpass', bin('torchpass'), [
      'token', 'create', '--socket', layout.socket, '--output', 'token',
      '--host-name', host.name, '--address', host.address, '--label', 'env=demo', '--note', 'npm start',
    ]); // prettier-ignore
    await files.write(host.token, { data: token, mode: 0o600 });
    steps.say(`Made a join token for ${host.name}, good for one host and one hour`);
  };

  const runEnroll = async (host: DemoHost, config: string) => {
    const args = ['enroll', config, '--token-file', host.token];
    const show = (line: string) => steps.show(`             ${host.name} | ${line}`);
    await children.run(`${host.name}-enroll`, bin('torchpass-agent'), args, show);
  };

  const startExporterWhenLocked = async (host: DemoHost, nodeExporter: string) => {
    const complaint = `the agent of ${host.name} has not written ${host.webConfig}`;
    await until(() => exists(host.webConfig), 'EXPORTER_NOT_LOCKED', complaint);
    children.start(`${host.name}-exporter`, nodeExporter, [
      `--web.listen-address=${host.address}:${options.ports.exporter}`,
      `--web.config.file=${host.webConfig}`,
    ]);
    steps.say(`node_exporter of ${host.name} listens on ${host.address}:${options.ports.exporter}, locked down`);
  };

  const until = async (holds: () => Promise<boolean>, code: ErrorCode, complaint: string) => {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await holds().catch(() => false))) {
      if (performance.now() > deadline) {
        const hint = `The logs are in ${layout.logs}`;
        throw new TorchpassError(code, `After ${PATIENCE_MS / 1000} s ${complaint}.`, { hint });
      }
      await delay(POLL_MS, undefined, { signal });
    }
  };

  const journeyed = journey();
  try {
    await Promise.race([journeyed, children.loss, interrupted]);
    if (outside.aborted || options.exitAfterReady) return;
    for (const line of whatNext(layout, checkout, prometheusUrl)) steps.show(line);
    await Promise.race([children.loss, interrupted]);
  } catch (error) {
    // What an interruption breaks off fails; that is no failure.
    if (!outside.aborted) throw error;
  } finally {
    ending.abort();
    const stopped = children.stop();
    steps.say('Stopping …');
    await stopped;
    await journeyed.catch(() => undefined);
    steps.say('Everything is stopped');
  }
}

async function requirePorts({ ports, hosts }: Layout): Promise<void> {
  await requireFreePort('127.0.0.1', ports.controller, 'the controller', '--controller-port');
  await requireFreePort('127.0.0.1', ports.operations, "the controller's health and metrics", '--operations-port');
  await requireFreePort('127.0.0.1', ports.prometheus, 'Prometheus', '--prometheus-port');
  for (const { address } of hosts) await requireFreePort(address, ports.exporter, 'node_exporter', '--exporter-port');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** How far the enrolment of a host has come. */
interface Progress {
  /** Until the enrolment has ended. */
  tokenIsKept: boolean;
  isMember: boolean;
}

async function enrolmentOf({ token, storage }: DemoHost): Promise<Progress> {
  return { tokenIsKept: await exists(token), isMember: await exists(join(storage, 'identity', 'identity.pem')) };
}
