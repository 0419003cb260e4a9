import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Files } from '@torchpass/core';
import { stringify } from 'yaml';
import { controllerAddress, type DemoHost, type Layout } from './layout.ts';

const PRIVATE_FILE = { mode: 0o600 };
export const PRIVATE_FOLDER = { mode: 0o700 };

/** Short, so that the first look at Prometheus is not a wait. */
const SCRAPE_INTERVAL = '2s';

export async function writeControllerConfig(files: Files, layout: Layout): Promise<void> {
  const { ports } = layout;
  const config = {
    storage_path: layout.controller,
    listen_address: controllerAddress(ports),
    advertise_address: controllerAddress(ports),
    admin: { socket: layout.socket, listen_address: `127.0.0.1:${ports.operations}` },
    // Everything here is on one machine; on a real network loopback addresses are refused as targets.
    policy: { allowed_networks: ['127.0.0.0/8'] },
  };
  await files.write(layout.controllerConfig, { data: stringify(config), ...PRIVATE_FILE });
}

export async function writeAgentConfig(
  files: Files,
  layout: Layout,
  host: DemoHost,
  nodeExporter: string,
): Promise<void> {
  const { exporter: port } = layout.ports;
  const config = {
    controller: controllerAddress(layout.ports),
    storage_path: host.storage,
    host_name: host.name,
    exporters: [
      {
        name: 'node',
        port,
        probe_address: `${host.address}:${port}`,
        advertise: host.address,
        binary: nodeExporter,
        patience: '20s',
      },
    ],
  };
  await files.write(host.agentConfig, { data: stringify(config), ...PRIVATE_FILE });
}

/** prometheus.yml as an operator would have it: a few global settings, and the job that the controller wrote, pasted. */
export async function writePrometheusConfig(files: Files, layout: Layout): Promise<void> {
  const pasted = await readFile(join(layout.prometheusFolder, 'scrape-config.yml'), 'utf8');
  const data = `global:\n  scrape_interval: ${SCRAPE_INTERVAL}\n\n${pasted}`;
  await files.write(layout.prometheusConfig, { data, ...PRIVATE_FILE });
}
