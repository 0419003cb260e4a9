import { posix } from 'node:path';
import { TorchpassError } from '@torchpass/core';
import { examineWebConfig } from './web-config-check.ts';
import { BCRYPT_HASH, type WebConfig } from './web-config-schema.ts';
import { hasControl, quoteYaml } from './yaml.ts';

/**
 * The text of a web configuration. It is one mapping in braces: an exporter refuses to start with what is left of it
 * after a cut at any place, where an indented file cut off early means plain HTTP, and later TLS for everyone.
 * Source: exporter-toolkit, docs/web-configuration.md; only keys of every version since 0.5, and client_allowed_sans.
 *
 * @throws CONFIG_INVALID
 */
export function renderWebConfig(config: WebConfig): string {
  const { clientAllowedSans = [], basicAuthUsers = {} } = config;
  const sans = clientAllowedSans.map((san) => checkedText('client_allowed_sans', san)).join(', ');
  const users = Object.entries(basicAuthUsers).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = [
    '{',
    '  # Managed by Torchpass: written anew when certificates change, edits are lost.',
    '  # In braces, so that an exporter refuses what is left of this file if it is ever cut off.',
    '  tls_server_config: {',
    `    client_ca_file: ${checkedPath('client_ca_file', config.clientCaFile)},`,
    `    client_auth_type: ${quoteYaml(config.clientAuthType)},`,
    ...(sans === '' ? [] : [`    client_allowed_sans: [${sans}],`]),
    ...(config.minVersion === undefined ? [] : [`    min_version: ${quoteYaml(config.minVersion)},`]),
    `    cert_file: ${checkedPath('cert_file', config.certFile)},`,
    `    key_file: ${checkedPath('key_file', config.keyFile)},`,
    '  },',
    ...(users.length === 0 ? [] : ['  basic_auth_users: {']),
    ...users.map(([user, hash]) => `    ${checkedUser(user)}: ${checkedHash(user, hash)},`),
    ...(users.length === 0 ? [] : ['  },']),
    '}',
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
