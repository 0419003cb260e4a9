import { isAbsolute, join } from 'node:path';
import { checkName, type Files, formatHostPort, parseHostPort } from '@torchpass/core';
import { readOwner } from './owner.ts';
import type { Section } from './section.ts';
import { DEFAULT_PATIENCE_MS, type ExporterSettings } from './settings.ts';
import { readAbsolutePath, readAdvertised, readMetricsPath, readPatience } from './values.ts';

export const EXPORTER_KEYS = [
  'name',
  'port',
  'probe_address',
  'advertise',
  'job',
  'metrics_path',
  'web_config',
  'owner',
  'binary',
  'binary_args',
  'restart',
  'patience',
] as const;

const RESTART_HINT =
  'No shell reads it. For example: restart: [/usr/bin/systemctl, restart, prometheus-node-exporter].';

/** Reads one entry of `exporters`. */
export async function readExporter(section: Section, storagePath: string, files: Files): Promise<ExporterSettings> {
  const name = section.text('name', (text) => checkName('exporter', text));
  if (name === undefined) throw section.wrong('name', 'is missing');
  const port = section.integer('port', 1, 65_535);
  if (port === undefined) throw section.wrong('port', 'is missing');
  const probeAddress = section.text('probe_address', parseHostPort) ?? { host: '127.0.0.1', port };
  if (probeAddress.port === 0) throw section.wrong('probe_address', 'has the port 0');
  const restart = section.texts('restart');
  if (restart !== undefined && !isAbsolute(restart[0] ?? '')) {
    throw section.wrong('restart', 'does not begin with the absolute path of a program', RESTART_HINT);
  }
  return {
    name,
    port,
    probeAddress,
    advertise: section.text('advertise', readAdvertised) ?? '',
    job: section.text('job', (text) => checkName('job', text)) ?? '',
    metricsPath: section.text('metrics_path', readMetricsPath) ?? '',
    webConfig: section.text('web_config', readAbsolutePath) ?? defaultWebConfig(storagePath, name),
    owner: await section.lookedUp('owner', (text) => readOwner(text, files)),
    binary: section.text('binary', readAbsolutePath),
    binaryArgs: section.texts('binary_args') ?? [],
    restart,
    patienceMs: section.text('patience', readPatience) ?? DEFAULT_PATIENCE_MS,
  };
}

export function defaultWebConfig(storagePath: string, name: string): string {
  return join(storagePath, 'exporters', name, 'web-config.yml');
}

/** What no two exporters may share, each with a word for the message. */
export function rivalries(exporter: ExporterSettings): [key: string, value: string][] {
  return [
    ['name', exporter.name],
    ['web_config', exporter.webConfig],
    ['probe_address', formatHostPort(exporter.probeAddress)],
    ['port', `${exporter.port} on ${exporter.advertise === '' ? 'the same address' : exporter.advertise}`],
  ];
}
