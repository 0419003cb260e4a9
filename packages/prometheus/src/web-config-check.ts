import { posix } from 'node:path';
import { nearest } from '@torchpass/core';
import {
  BCRYPT_HASH,
  TLS_KEYS,
  TOP_KEYS,
  type WebConfig,
  WRITTEN_TLS_KEYS,
  WRITTEN_TOP_KEYS,
} from './web-config-schema.ts';
import { isMapping, type Mapping, readYaml } from './yaml.ts';

const LONGEST_TEXT = 1024 * 1024;
export interface WebConfigReport {
  /** An exporter would not start, or could not be trusted to read it as we do. */
  readonly invalid: readonly string[];
  /** An exporter would start and let strangers in. */
  readonly unsafe: readonly string[];
  /** The only unsafe thing is that a client certificate is verified when given, but not demanded. */
  readonly optional: boolean;
  /** Present when there is nothing in it but what Torchpass writes. */
  readonly config: WebConfig | undefined;
}

/** Why this text would leave an exporter open or not start it, each a sentence; none when it demands client certificates. */
export function webConfigProblems(text: string): string[] {
  const { invalid, unsafe } = examineWebConfig(text);
  return [...invalid, ...unsafe];
}

export function examineWebConfig(text: string): WebConfigReport {
  const invalid: string[] = [];
  const unsafe: string[] = [];
  const report = (optional = false, config?: WebConfig): WebConfigReport => ({ invalid, unsafe, optional, config });

  if (text.length > LONGEST_TEXT) {
    invalid.push('The web configuration is larger than 1 MiB.');
    return report();
  }
  const yaml = readYaml(text);
  if ('problem' in yaml) {
    const place = yaml.line === undefined ? '' : `, line ${yaml.line}`;
    invalid.push(`The web configuration is not valid YAML${place}: ${yaml.problem}.`);
    return report();
  }
  if (yaml.documents > 1)
    invalid.push('The web configuration has several YAML documents; exporters read only the first.');
  const root = yaml.value ?? {};
  if (!isMapping(root)) {
    invalid.push('The web configuration is not a mapping of settings.');
    return report();
  }
  refuseUnknown(root, TOP_KEYS, '', invalid);
  checkUsers(root['basic_auth_users'], invalid);
  const tls = root['tls_server_config'] ?? {};
  if (!isMapping(tls)) {
    invalid.push('tls_server_config is not a mapping of settings.');
    return report();
  }
  if (Object.values(tls).every((value) => value === null || value === '')) {
    unsafe.push('There is no tls_server_config: the exporter would serve plain HTTP to everyone.');
    return report();
  }
  checkTls(tls, invalid);
  const optional = tls['client_auth_type'] === 'VerifyClientCertIfGiven' && has(tls, 'client_ca');
  unsafe.push(...openings(tls));
  return report(optional, invalid.length === 0 ? toConfig(root, tls) : undefined);
}

/** What lets a client without our certificate in although TLS works. */
function openings(tls: Mapping): string[] {
  if (tls['client_auth_type'] !== 'RequireAndVerifyClientCert') {
    return ['client_auth_type is not RequireAndVerifyClientCert: clients without a certificate would be let in.'];
  }
  if (!has(tls, 'client_ca')) {
    return ['client_ca_file is missing: a certificate of any public authority of the system would be let in.'];
  }
  return [];
}

function checkTls(tls: Mapping, invalid: string[]): void {
  refuseUnknown(tls, TLS_KEYS, 'tls_server_config.', invalid);
  for (const name of ['client_ca', 'cert', 'key']) {
    const file = tls[`${name}_file`] ?? '';
    const inline = tls[name] ?? '';
    if (file !== '' && inline !== '') invalid.push(`tls_server_config has both ${name} and ${name}_file.`);
    if (name !== 'client_ca' && file === '' && inline === '')
      invalid.push(`tls_server_config.${name}_file is missing.`);
    if (typeof inline !== 'string') invalid.push(`tls_server_config.${name} is not text.`);
    if (typeof file !== 'string' || (file !== '' && !posix.isAbsolute(file))) {
      invalid.push(`tls_server_config.${name}_file is not an absolute path.`);
    }
  }
  for (const key of ['min_version', 'max_version']) {
    const version = tls[key] ?? 'TLS12';
    if (version !== 'TLS12' && version !== 'TLS13')
      invalid.push(`tls_server_config.${key} is neither TLS12 nor TLS13.`);
  }
  if (tls['min_version'] === 'TLS13' && tls['max_version'] === 'TLS12') {
    invalid.push('tls_server_config.min_version is above max_version: no client could connect.');
  }
  for (const key of ['client_allowed_sans', 'cipher_suites', 'curve_preferences']) {
    const list = tls[key] ?? ['absent'];
    if (!Array.isArray(list) || list.length === 0 || !list.every((item) => typeof item === 'string' && item !== '')) {
      invalid.push(`tls_server_config.${key} is not a list of texts.`);
    }
  }
}

/** The value is never quoted: where a hash should be, somebody may have put a password. */
function checkUsers(users: unknown, invalid: string[]): void {
  if (users === undefined || users === null) return;
  if (!isMapping(users)) {
    invalid.push('basic_auth_users is not a mapping of users to bcrypt hashes.');
  } else if (!Object.values(users).every((hash) => typeof hash === 'string' && BCRYPT_HASH.test(hash))) {
    invalid.push('basic_auth_users has a value that is not a bcrypt hash.');
  }
}

function refuseUnknown(mapping: Mapping, known: readonly string[], prefix: string, invalid: string[]): void {
  for (const key of Object.keys(mapping).filter((name) => !known.includes(name))) {
    const meant = nearest(key, known);
    const advice = meant === undefined ? '' : ` Did you mean ${meant}?`;
    invalid.push(`${JSON.stringify(prefix + key.slice(0, 80))} is not a setting of a web configuration.${advice}`);
  }
}

function has(tls: Mapping, name: string): boolean {
  return (tls[`${name}_file`] ?? '') !== '' || (tls[name] ?? '') !== '';
}

/** Types were checked before. */
function toConfig(root: Mapping, tls: Mapping): WebConfig | undefined {
  const foreign = [
    ...Object.keys(root).filter((key) => !WRITTEN_TOP_KEYS.includes(key)),
    ...Object.keys(tls).filter((key) => !WRITTEN_TLS_KEYS.includes(key)),
  ];
  if (foreign.length > 0) return undefined;
  const sans = tls['client_allowed_sans'] as string[] | null | undefined;
  const users = root['basic_auth_users'] as Record<string, string> | null | undefined;
  const minVersion = tls['min_version'] as WebConfig['minVersion'] | null;
  return {
    clientCaFile: tls['client_ca_file'] as string,
    certFile: tls['cert_file'] as string,
    keyFile: tls['key_file'] as string,
    clientAuthType: tls['client_auth_type'] as WebConfig['clientAuthType'],
    ...(sans ? { clientAllowedSans: sans } : {}),
    ...(users ? { basicAuthUsers: users } : {}),
    ...(minVersion ? { minVersion } : {}),
  };
}
