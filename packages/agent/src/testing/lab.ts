import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@torchpass/core';
import type { ExporterSettings, Settings } from '../config/settings.ts';
import type { Agent, AgentOptions } from '../agent.ts';
import { createAgent } from '../context.ts';
import { readPair } from '../identity/certificate-pair.ts';
import type { Processes } from '../storage/processes.ts';
import { type FakeController, startFakeController } from './fake-controller.ts';
import { type FakeExporter, startFakeExporter } from './fake-exporter.ts';
import { createInstallation, type Installation } from './installation.ts';

/** One host, its exporter and its controller, all on loopback. */
export interface Lab {
  controller: FakeController;
  exporter: FakeExporter;
  settings: Settings;
  /** Of the only exporter. */
  exporterSettings: ExporterSettings;
  /** Everything that agents said. */
  said: string[];
  /** A fresh process on the same folder; it is the only one alive. */
  agent: (options?: Partial<AgentOptions>) => Agent;
  /** Paths of every file in the storage folder, relative to it. */
  stored: () => Promise<string[]>;
  close: () => Promise<void>;
}

export interface LabOptions {
  stopped?: boolean;
  restart?: boolean;
  installation?: Installation;
}

export async function startLab({ stopped = false, restart = true, installation }: LabOptions = {}): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'torchpass-agent-'));
  const storagePath = join(folder, 'storage');
  const webConfig = join(storagePath, 'exporters', 'node', 'web-config.yml');
  const controller = await startFakeController(installation ?? (await createInstallation(systemClock)), {
    clock: systemClock,
  });
  const exporter = await startFakeExporter(webConfig, { stopped });
  const exporterSettings: ExporterSettings = {
    name: 'node',
    port: exporter.port,
    probeAddress: { host: '127.0.0.1', port: exporter.port },
    advertise: '',
    job: '',
    metricsPath: '',
    webConfig,
    owner: undefined,
    binary: undefined,
    binaryArgs: [],
    restart: restart ? exporter.restartCommand : undefined,
    patienceMs: 1000,
  };
  const settings: Settings = {
    storagePath,
    controller: controller.address,
    hostName: 'web-1',
    exporters: [exporterSettings],
  };
  const said: string[] = [];
  let pid = 1000;
  return {
    controller,
    exporter,
    settings,
    exporterSettings,
    said,
    agent(options = {}) {
      pid += 1;
      return createAgent({
        settings,
        processes: onlyAlive(pid),
        say: (sentence) => void said.push(sentence),
        ...options,
      });
    },
    async stored() {
      const entries = await readdir(storagePath, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile());
      return files.map((entry) => join(entry.parentPath, entry.name).slice(storagePath.length + 1)).toSorted();
    },
    async close() {
      await exporter.close();
      await controller.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A system on which one process lives, as after a crash and a new start. */
export function onlyAlive(self: number): Processes {
  return { self, startOf: (pid) => Promise.resolve(pid === self ? String(self) : undefined) };
}

/** Whether key and certificate in these PEM files belong together. */
export async function isPair(certificate: string, key: string): Promise<boolean> {
  const [chain, secret] = await Promise.all([readFile(certificate, 'utf8'), readFile(key, 'utf8')]);
  const pem = secret.slice(secret.indexOf('-----BEGIN PRIVATE'), secret.indexOf('-----END PRIVATE KEY-----') + 26);
  return readPair(chain, pem) !== undefined;
}
