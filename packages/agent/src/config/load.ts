import { hostname } from 'node:os';
import { checkName, type Files, isName, isTorchpassError, reasonOf, TorchpassError } from '@torchpass/core';
import { defaultWebConfig } from './exporter.ts';
import { type ConfigFile, parseConfig } from './file.ts';
import {
  DEFAULT_CONFIG_FILE,
  DEFAULT_PATIENCE_MS,
  DEFAULT_STORAGE_PATH,
  type ExporterSettings,
  NODE_EXPORTER,
  type Settings,
} from './settings.ts';
import { readAbsolutePath, readController } from './values.ts';

/** Flags of the command line, as typed. They win over the file. */
export interface Flags {
  configFile?: string | undefined;
  storagePath?: string | undefined;
  controller?: string | undefined;
  hostName?: string | undefined;
}

/**
 * Reads the configuration file, when there is one, and puts flags and defaults around it.
 *
 * Errors: CONFIG_UNREADABLE, CONFIG_INVALID, USAGE for a flag.
 */
export async function loadSettings(flags: Flags, files: Files): Promise<Settings> {
  // First the flags: what is wrong with one of them is not to look like a fault of the file.
  const given = {
    storagePath: flag('--storage.path', flags.storagePath, readAbsolutePath),
    controller: flag('--controller', flags.controller, readController),
    hostName: flag('--host-name', flags.hostName, (name) => checkName('host', name)),
  };
  const file = await readConfigFile(flags.configFile, files);
  const storagePath = given.storagePath ?? file.storagePath ?? DEFAULT_STORAGE_PATH;
  return {
    storagePath,
    controller: given.controller ?? file.controller,
    hostName: given.hostName ?? file.hostName ?? ownName(hostname()),
    exporters: (await file.exporters?.(storagePath)) ?? [nodeExporter(storagePath)],
  };
}

async function readConfigFile(given: string | undefined, files: Files): Promise<ConfigFile> {
  const path = given ?? DEFAULT_CONFIG_FILE;
  const content = await files.read(path).catch((error: unknown) => {
    if (!isTorchpassError(error, 'FILE_UNREADABLE')) throw error;
    throw new TorchpassError('CONFIG_UNREADABLE', `Cannot read the configuration: ${reasonOf(error.cause)}.`, {
      cause: error,
    });
  });
  if (content !== undefined) return parseConfig(path, content.toString('utf8'), files);
  if (given !== undefined) throw new TorchpassError('CONFIG_UNREADABLE', `There is no configuration file ${given}.`);
  return { controller: undefined, storagePath: undefined, hostName: undefined, exporters: undefined };
}

function flag<T>(name: string, text: string | undefined, read: (text: string) => T): T | undefined {
  if (text === undefined) return undefined;
  try {
    return read(text);
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    throw new TorchpassError(
      'USAGE',
      `${name}: ${error.message}`,
      error.hint === undefined ? {} : { hint: error.hint },
    );
  }
}

/** The machine's own name, made to fit: what cannot be in a name becomes a dash. */
export function ownName(machine: string): string {
  const fitting = machine
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/\.{2,}/g, '.')
    .slice(0, 63)
    .replaceAll(/^[._-]+|[._-]+$/g, '');
  return isName(fitting) ? fitting : 'host';
}

/** What is protected when nothing is configured. */
function nodeExporter(storagePath: string): ExporterSettings {
  const { name, port } = NODE_EXPORTER;
  return {
    name,
    port,
    probeAddress: { host: '127.0.0.1', port },
    advertise: '',
    job: '',
    metricsPath: '',
    webConfig: defaultWebConfig(storagePath, name),
    owner: undefined,
    binary: undefined,
    binaryArgs: [],
    restart: undefined,
    patienceMs: DEFAULT_PATIENCE_MS,
  };
}
