import { isDnsName, nearest, reasonOf, systemCodeOf, TorchpassError } from '@torchpass/core';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { applyOverrides, flagOf, type Overrides } from './overrides.ts';
import { refuseLoose } from './permissions.ts';
import { configSchema, type ConfigFile } from './schema.ts';
import { findChangeable } from './trusted-file.ts';

/** The configuration with every default filled in. */
export interface Config extends Omit<ConfigFile, 'advertise_address' | 'admin' | 'authorities' | 'prometheus'> {
  advertise_address: { host: string; port: number };
  admin: ConfigFile['admin'] & { socket: string };
  authorities: ConfigFile['authorities'] & { passphrase_file: string };
  prometheus: ConfigFile['prometheus'] & { folder: string };
}

export const DEFAULT_CONFIG_PATH = '/etc/torchpass/controller.yml';
const LARGEST_CONFIG = 1024 * 1024;

/**
 * Reads the configuration. Without a path the default file is read if it exists.
 * `CONFIG_UNREADABLE` and `CONFIG_INVALID` name the file, the line or key, and for an unknown key the nearest known one.
 * `machineName` is what agents dial unless an address is configured.
 */
export async function loadConfig(
  path: string | undefined,
  overrides: Overrides,
  machineName = hostname(),
): Promise<Config> {
  const place = path ?? DEFAULT_CONFIG_PATH;
  const text = await readText(place, path === undefined);
  const file = validate(applyOverrides(withoutEmptySections(parseYaml(text, place)), overrides), place, overrides);
  return withDefaults(file, machineName.toLowerCase());
}

async function readText(path: string, optional: boolean): Promise<string> {
  try {
    const text = await readFile(path, 'utf8');
    refuseLoose(await findChangeable(path));
    if (text.length <= LARGEST_CONFIG) return text;
  } catch (error) {
    if (error instanceof TorchpassError) throw error;
    if (optional && systemCodeOf(error) === 'ENOENT') return '';
    throw new TorchpassError('CONFIG_UNREADABLE', `The configuration ${path} cannot be read: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
  throw new TorchpassError(
    'CONFIG_INVALID',
    `${path} is larger than a configuration can be (${LARGEST_CONFIG} bytes).`,
  );
}

function parseYaml(text: string, path: string): Record<string, unknown> {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, strict: true, uniqueKeys: true, prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) {
    const { line, col } = lineCounter.linePos(broken.pos[0]);
    throw new TorchpassError('CONFIG_INVALID', `${path}, line ${line}, column ${col}: ${broken.message}`);
  }
  const value: unknown = toValue(() => document.toJS({ maxAliasCount: 0 }), path) ?? {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new TorchpassError('CONFIG_INVALID', `${path} does not hold keys and values.`);
}

function toValue(read: () => unknown, path: string): unknown {
  try {
    return read();
  } catch (error) {
    throw new TorchpassError('CONFIG_INVALID', `${path}: ${reasonOf(error)}.`, { cause: error });
  }
}

/** A section whose keys are all commented out is null in YAML; it is meant like one that is not there. */
function withoutEmptySections(file: Record<string, unknown>): Record<string, unknown> {
  const isEmptySection = (key: string, value: unknown) => value === null && knownKeys([key]).length > 0;
  return Object.fromEntries(Object.entries(file).filter(([key, value]) => !isEmptySection(key, value)));
}

/** What a flag gave is told with the flag's name, before what stands in the file. */
function validate(value: unknown, path: string, overrides: Overrides): ConfigFile {
  const result = configSchema.safeParse(value);
  if (result.success) return result.data;
  const fromFlags = result.error.issues.filter((issue) => flagOf(issue.path, overrides) !== undefined);
  const fromFile = result.error.issues.filter((issue) => !fromFlags.includes(issue));
  const problems = fromFlags.map((issue) => `${flagOf(issue.path, overrides)}: ${issue.message}`);
  if (fromFile.length > 0) problems.push(`${path}: ${fromFile.map(describeIssue).join('; ')}`);
  throw new TorchpassError('CONFIG_INVALID', `${problems.join('; ')}.`);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `${where === '' ? 'the file' : where}: ${issue.message}`;
  return issue.keys
    .map((key) => {
      const full = [...issue.path, key].join('.');
      const meant = nearest(key, knownKeys(issue.path));
      return `unknown key "${full}"${meant === undefined ? '' : ` (did you mean "${meant}"?)`}`;
    })
    .join('; ');
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  let node: unknown = schema;
  for (const key of path)
    node = (node as { properties?: Record<string, unknown> } | undefined)?.properties?.[String(key)];
  return Object.keys((node as { properties?: object } | undefined)?.properties ?? {});
}

function withDefaults(file: ConfigFile, machineName: string): Config {
  return {
    ...file,
    advertise_address: file.advertise_address ?? { host: nameToAdvertise(machineName), port: file.listen_address.port },
    admin: { ...file.admin, socket: file.admin.socket ?? join(file.storage_path, 'controller.sock') },
    authorities: {
      ...file.authorities,
      passphrase_file: file.authorities.passphrase_file ?? join(file.storage_path, 'passphrase'),
    },
    prometheus: { ...file.prometheus, folder: file.prometheus.folder ?? join(file.storage_path, 'prometheus') },
  };
}

/** The name goes into the controller's certificate, which takes DNS names only. */
function nameToAdvertise(machineName: string): string {
  if (isDnsName(machineName)) return machineName;
  throw new TorchpassError(
    'CONFIG_INVALID',
    `advertise_address is not set, and this machine's name ${JSON.stringify(machineName)} is not a DNS name that agents could dial.`,
    { hint: 'Set advertise_address (or --advertise-address) to HOST:PORT, for example monitor.example.org:7443.' },
  );
}
