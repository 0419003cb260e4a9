import { canonicalIp, isDnsName, isName, LOG_FORMATS, LOG_LEVELS, parseHostPort } from '@torchpass/core';
import { isTrustDomain } from '@torchpass/pki';
import { z } from 'zod';
import { policySchema } from './policy-schema.ts';
import { check, duration, MINUTE, refined, YEAR } from './values.ts';

/** The configuration file, key by key. Durations are written as Prometheus does and become milliseconds. */

const leafLifetime = duration(MINUTE, YEAR);
const hostPort = refined(parseHostPort, 'is not HOST:PORT');
const loopback = hostPort.refine(
  ({ host }) => host === 'localhost' || host === '::1' || (canonicalIp(host) !== undefined && host.startsWith('127.')),
  'is plain HTTP without authentication, so it has to be a loopback address such as 127.0.0.1:7444; for readers elsewhere put a proxy that authenticates before it',
);
const absolutePath = check((path) => path.startsWith('/'), 'is not an absolute path');
const name = check(isName, 'is not a name (lower-case letters, digits, dots, dashes, underscores)');
const webName = check(
  (text) => canonicalIp(text) !== undefined || isDnsName(text),
  'is neither an IP address nor a DNS name',
);

export const configSchema = z.strictObject({
  /** SPIFFE trust domain: the first part of every identity. Decided once, by init. */
  trust_domain: check(isTrustDomain, 'is not a SPIFFE trust domain').default('torchpass.internal'),
  /** Everything that must not be lost: database, sealed keys. */
  storage_path: absolutePath.default('/var/lib/torchpass'),
  /** Where agents connect; `[::]` is IPv6 and IPv4. */
  listen_address: hostPort.default({ host: '::', port: 7443 }),
  /** The address that agents dial, as written into instructions; by default this machine's name. */
  advertise_address: hostPort.optional(),
  admin: z
    .strictObject({
      /** Unix socket of the administration API; in the storage folder when absent. */
      socket: absolutePath.optional(),
      /** Group that may use it, beside the controller's own user. */
      socket_group: z.string().optional(),
      /** Health and metrics, over plain HTTP: a loopback address. */
      listen_address: loopback.default({ host: '127.0.0.1', port: 7444 }),
    })
    .prefault({}),
  authorities: z
    .strictObject({
      /** File with the passphrase that opens the authorities' keys. */
      passphrase_file: absolutePath.optional(),
      /** A PKCS #11 token: new keys of authorities are made in it and stay there. */
      pkcs11: z
        .strictObject({
          /** The module of the token's vendor, a shared library. */
          module: absolutePath,
          /** Label of the token. */
          token: check((text) => text !== '' && Buffer.byteLength(text) <= 32, 'is not the label of a token'),
          /** File with the user's PIN. */
          pin_file: absolutePath.optional(),
        })
        .optional(),
      root_lifetime: duration(60 * MINUTE, 30 * YEAR).prefault('3650d'),
      /** How long before its end an authority is rotated by itself; a third of its life when absent. */
      rotate_before: duration(0, 10 * YEAR).optional(),
      issuing_lifetime: duration(10 * MINUTE, 10 * YEAR).prefault('1095d'),
    })
    .prefault({}),
  certificates: z
    .strictObject({
      identity_lifetime: leafLifetime.prefault('30d'),
      /** How long after its end an identity may still be renewed, by the host that had it last. */
      renewal_grace: duration(0, YEAR).prefault('30d'),
      exporter_lifetime: leafLifetime.prefault('7d'),
      scraper_lifetime: leafLifetime.prefault('7d'),
      controller_lifetime: leafLifetime.prefault('7d'),
    })
    .prefault({}),
  audit: z
    .strictObject({
      /** How long entries of the audit log are kept. */
      retention: duration(24 * 60 * MINUTE, 100 * YEAR).prefault('400d'),
      /** How many at most. */
      most_entries: z.int().min(10_000).max(100_000_000).default(1_000_000),
    })
    .prefault({}),
  policy: policySchema.prefault({}),
  limits: z
    .strictObject({
      /** Multiplies every limit of one caller, rates and connections; more than 1 for fleets behind one address. */
      rate_factor: z.number().min(0.1).max(1000).default(1),
      /** Connections to the public port at once. */
      connections: z.int().min(10).max(100_000).default(4096),
    })
    .prefault({}),
  targets: z
    .strictObject({
      /** How long the look from outside may take. */
      probe_timeout: duration(100, 15_000).prefault('5s'),
      /** Joins within this time are written at once. */
      publish_interval: duration(0, MINUTE).prefault('1s'),
      /** How often agents come to compare. */
      check_in_interval: duration(1000, 24 * 60 * MINUTE).prefault('5m'),
    })
    .prefault({}),
  prometheus: z
    .strictObject({
      /** What Prometheus reads; `prometheus` in the storage folder when absent. */
      folder: absolutePath.optional(),
      /** Prometheus's user, whose group may read it and not write; our own group when absent. */
      user: z.string().optional(),
      /** Name of the scraper in its certificate. */
      scraper_name: name.default('prometheus'),
      /** The longest interval at which Prometheus scrapes: so long a rotation waits after it changed what Prometheus reads. */
      scrape_interval: duration(1000, 60 * MINUTE).prefault('1m'),
      /** Names and addresses under which people and programs open Prometheus's own web interface. */
      web_names: z.array(webName).min(1).default(['localhost', '127.0.0.1', '::1']),
      /** Addresses that scrapers connect from: no host may have them. */
      scraper_addresses: z.array(webName).default([]),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(LOG_LEVELS).default('info'),
      format: z.enum(LOG_FORMATS).default('logfmt'),
    })
    .prefault({}),
});

export type ConfigFile = z.output<typeof configSchema>;
