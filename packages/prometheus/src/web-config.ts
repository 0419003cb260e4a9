import { posix } from 'node:path';
import { TorchpassError } from '@torchpass/core';
import { examineWebConfig } from './web-config-check.ts';
import { BCRYPT_HASH, MANAGED_END, MANAGED_HEADER, type WebConfig } from './web-config-schema.ts';
import { hasControl, quoteYaml } from './yaml.ts';

/**
 * The text of a web configuration. The client CA comes first: what is left of a file cut off after it does not start an
 * exporter open. The last line lets `webConfigProblems` see every cut.
 * Source: exporter-toolkit, docs/web-configuration.md; only keys of every version since 0.5, and client_allowed_sans.
 *
 * @throws CONFIG_INVALID
 */
export function renderWebConfig(config: WebConfig): string {
  const { clientAllowedSans = [], basicAuthUsers = {} } = config;
  const users = Object.entries(basicAuthUsers).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = [
    MANAGED_HEADER,
    '# It makes the exporter demand a client certificate on every connection.',
    'tls_server_config:',
    `  client_ca_file: ${checkedPath('client_ca_file', config.clientCaFile)}`,
    `  client_auth_type: ${quoteYaml(config.clientAuthType)}`,
    ...list('client_allowed_sans', clientAllowedSans),
    ...(config.minVersion === undefined ? [] : [`  min_version: ${quoteYaml(config.minVersion)}`]),
    `  cert_file: ${checkedPath('cert_file', config.certFile)}`,
    `  key_file: ${checkedPath('key_file', config.keyFile)}`,
    ...(users.length === 0 ? [] : ['basic_auth_users:']),
    ...users.map(([user, hash]) => `  ${checkedUser(user)}: ${checkedHash(user, hash)}`),
    MANAGED_END,
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * What a web configuration that Torchpass could have written says.
 *
 * @throws WEB_CONFIG_UNSAFE when an exporter would let strangers in with it
 * @throws CONFIG_INVALID when an exporter would not start with it, or it has settings that Torchpass does not write
 */
export function readWebConfig(text: string): WebConfig {
  const { invalid, unsafe, optional, config } = examineWebConfig(text);
  const [broken] = invalid;
  if (broken !== undefined) throw new TorchpassError('CONFIG_INVALID', broken);
  const [open] = optional ? [] : unsafe;
  if (open !== undefined) throw new TorchpassError('WEB_CONFIG_UNSAFE', open);
  if (config === undefined) {
    throw new TorchpassError('CONFIG_INVALID', 'The web configuration has settings that Torchpass does not write.', {
      hint: 'Keep to certificate files, client_allowed_sans, min_version and basic_auth_users.',
    });
  }
  return config;
}

function list(key: string, values: readonly string[]): string[] {
  return values.length === 0 ? [] : [`  ${key}:`, ...values.map((value) => `    - ${checkedText(key, value)}`)];
}

function checkedPath(key: string, path: string): string {
  if (!posix.isAbsolute(path)) throw invalidValue(key, 'is not an absolute path');
  return checkedText(key, path);
}

function checkedText(key: string, text: string): string {
  if (text === '' || hasControl(text)) throw invalidValue(key, 'is empty or has a control character');
  return quoteYaml(text);
}

function checkedUser(user: string): string {
  if (user.includes(':')) throw invalidValue('basic_auth_users', 'has a user with a colon, which HTTP cannot carry');
  return checkedText('basic_auth_users', user);
}

function checkedHash(user: string, hash: string): string {
  if (BCRYPT_HASH.test(hash)) return quoteYaml(hash);
  throw invalidValue('basic_auth_users', `has something else than a bcrypt hash for ${JSON.stringify(user)}`);
}

function invalidValue(key: string, why: string): TorchpassError {
  return new TorchpassError('CONFIG_INVALID', `The web configuration's ${key} ${why}.`);
}
