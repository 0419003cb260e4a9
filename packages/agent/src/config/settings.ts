import type { HostPort, Owner } from '@torchpass/core';

/** What the agent is told to do: the configuration file and the flags, read, checked and completed. */
export interface Settings {
  /** Absolute; everything that the agent keeps is in it. */
  storagePath: string;
  /** Undefined when neither the file nor a flag says it: an enrolled host has it in its state. */
  controller: HostPort | undefined;
  /** The name that the host asks for when it enrols. */
  hostName: string;
  exporters: ExporterSettings[];
}

/** One exporter on this host that is to be reached only over mutual TLS. */
export interface ExporterSettings {
  /** Unique on the host. */
  name: string;
  /** TCP port on which Prometheus reaches it. */
  port: number;
  /** Where the agent itself reaches it. */
  probeAddress: HostPort;
  /** IP address or DNS name for Prometheus; empty: what the controller sees. */
  advertise: string;
  /** Empty: what the token says. */
  job: string;
  /** Empty: /metrics. */
  metricsPath: string;
  /** Absolute path of the web configuration that the exporter was started with. */
  webConfig: string;
  /** Who may read the exporter's key beside the agent; undefined: nobody. */
  owner: Owner | undefined;
  /** Absolute path of the exporter's program, to find out what it understands; undefined: assume the least. */
  binary: string | undefined;
  /** More arguments that the program needs to start. */
  binaryArgs: string[];
  /** Program and arguments, started without a shell; undefined: somebody else restarts it. */
  restart: string[] | undefined;
  /** How long it may take until it answers after a change, in milliseconds. */
  patienceMs: number;
}

export const DEFAULT_CONFIG_FILE = '/etc/torchpass/agent.yml';
export const DEFAULT_STORAGE_PATH = '/var/lib/torchpass-agent';
export const DEFAULT_PATIENCE_MS = 10_000;
export const NODE_EXPORTER = { name: 'node', port: 9100 } as const;
