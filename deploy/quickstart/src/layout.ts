import { join } from 'node:path';
import type { Options, Ports } from './options.ts';

export interface DemoHost {
  name: string;
  address: string;
  folder: string;
  agentConfig: string;
  storage: string;
  token: string;
  webConfig: string;
}

/** What is where in the data folder. */
export function layOut({ dataDir, hosts, ports }: Options) {
  const controller = join(dataDir, 'controller');
  return {
    dataDir,
    logs: join(dataDir, 'logs'),
    controller,
    controllerConfig: join(dataDir, 'controller.yml'),
    socket: join(controller, 'controller.sock'),
    prometheusFolder: join(controller, 'prometheus'),
    prometheusConfig: join(dataDir, 'prometheus.yml'),
    prometheusData: join(dataDir, 'prometheus-data'),
    hosts: Array.from({ length: hosts }, (_, index) => demoHost(dataDir, index)),
    ports,
  };
}

export type Layout = ReturnType<typeof layOut>;

export function controllerAddress(ports: Ports): string {
  return `127.0.0.1:${ports.controller}`;
}

function demoHost(dataDir: string, index: number): DemoHost {
  const name = `demo-${index + 1}`;
  const folder = join(dataDir, 'hosts', name);
  const storage = join(folder, 'agent');
  return {
    name,
    address: `127.0.0.${index + 2}`,
    folder,
    agentConfig: join(folder, 'agent.yml'),
    storage,
    token: join(folder, 'join-token'),
    webConfig: join(storage, 'exporters', 'node', 'web-config.yml'),
  };
}
