import { isMap, parseDocument } from 'yaml';
import { checkName, type Files, type HostPort, TorchpassError } from '@torchpass/core';
import { MOST_EXPORTERS } from '@torchpass/protocol';
import { EXPORTER_KEYS, readExporter, rivalries } from './exporter.ts';
import { Section } from './section.ts';
import type { ExporterSettings } from './settings.ts';
import { readAbsolutePath, readController } from './values.ts';

const KEYS = ['controller', 'storage_path', 'host_name', 'exporters'] as const;
const LARGEST_FILE = 256 * 1024;

/** What a configuration file says; flags and defaults are not in it yet. */
export interface ConfigFile {
  controller: HostPort | undefined;
  storagePath: string | undefined;
  hostName: string | undefined;
  /** Read once it is clear where the state is, because the paths of web configurations follow from it. */
  exporters: ((storagePath: string) => Promise<ExporterSettings[]>) | undefined;
}

/** Reads the text of a configuration file. Errors: CONFIG_INVALID, naming `path` and the key or line. */
export function parseConfig(path: string, text: string, files: Files): ConfigFile {
  const section = new Section(path, '', parseMapping(path, text), KEYS);
  const entries = section.list('exporters');
  if (entries !== undefined && (entries.length === 0 || entries.length > MOST_EXPORTERS)) {
    throw section.wrong('exporters', `has ${entries.length} entries; 1 to ${MOST_EXPORTERS} are possible`);
  }
  return {
    controller: section.text('controller', readController),
    storagePath: section.text('storage_path', readAbsolutePath),
    hostName: section.text('host_name', (name) => checkName('host', name)),
    exporters:
      entries === undefined
        ? undefined
        : async (storagePath) => {
            const exporters: ExporterSettings[] = [];
            for (const [index, entry] of entries.entries()) {
              const place = new Section(path, `exporters[${index}].`, entry, EXPORTER_KEYS);
              const exporter = await readExporter(place, storagePath, files);
              refuseRival(place, exporter, exporters);
              exporters.push(exporter);
            }
            return exporters;
          },
  };
}

function refuseRival(place: Section, exporter: ExporterSettings, others: readonly ExporterSettings[]): void {
  const taken = others.map((other) => new Map(rivalries(other)));
  for (const [key, value] of rivalries(exporter)) {
    const index = taken.findIndex((other) => other.get(key) === value);
    if (index >= 0) throw place.wrong(key, `is ${value}, which exporters[${index}] has already`);
  }
}

function parseMapping(path: string, text: string): unknown {
  if (text.length > LARGEST_FILE) throw new TorchpassError('CONFIG_INVALID', `${path}: the file is too large.`);
  const document = parseDocument(text, { strict: true, uniqueKeys: true, merge: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const line = problem.linePos?.[0].line;
    const where = line === undefined ? path : `${path}, line ${line}`;
    throw new TorchpassError(
      'CONFIG_INVALID',
      `${where}: ${problem.message.split('\n')[0]?.replace(/:$/, '') ?? ''}.`,
      {
        hint: 'The file has to be YAML.',
      },
    );
  }
  if (document.contents === null) return {};
  if (!isMap(document.contents)) return undefined;
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw new TorchpassError('CONFIG_INVALID', `${path}: aliases (*name) are not possible here.`, { cause: error });
  }
}
