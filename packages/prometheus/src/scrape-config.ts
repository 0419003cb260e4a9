import { posix } from 'node:path';
import { parseDuration, TorchpassError } from '@torchpass/core';
import { hasControl, quoteYaml } from './yaml.ts';

export interface ScrapeConfigOptions {
  /** The folder with exporters-ca.pem, scraper.pem, scraper-key.pem and targets/; absolute. */
  folder: string;
  /** torchpass unless given. */
  jobName?: string | undefined;
  /** In Prometheus's notation; Prometheus's global interval unless given. */
  scrapeInterval?: string | undefined;
  username?: string | undefined;
  /** Given together with `username`; absolute. */
  passwordFile?: string | undefined;
}

/** Names inside the folder that Torchpass writes for Prometheus. */
export const PROMETHEUS_FILES = {
  ca: 'exporters-ca.pem',
  certificate: 'scraper.pem',
  key: 'scraper-key.pem',
  targets: 'targets',
  scrapeConfig: 'scrape-config.yml',
} as const;

/**
 * The scrape job to paste into prometheus.yml, or to name in its scrape_config_files (Prometheus 2.43).
 * Source: Prometheus's documentation, configuration/configuration.md; every key is known to 2.42, 2.53 and 3.5.
 *
 * @throws CONFIG_INVALID
 */
export function renderScrapeConfig(options: ScrapeConfigOptions): string {
  const { folder, jobName = 'torchpass', scrapeInterval, username, passwordFile } = options;
  const file = (name: string) => quoteYaml(posix.join(checkFolder(folder), name));
  const lines = [
    '# Written by Torchpass. Where prometheus.yml has scrape_configs: already, paste what is below that line into it;',
    '# else paste all. Then reload Prometheus once. Certificates and targets change without another reload.',
    'scrape_configs:',
    `  - job_name: ${checkText('job name', jobName)}`,
    ...(scrapeInterval === undefined ? [] : [`    scrape_interval: ${checkInterval(scrapeInterval)}`]),
    '    scheme: https',
    '    tls_config:',
    '      # Only exporters that Torchpass certified, for exactly the address that is dialled: no server_name and no',
    '      # insecure_skip_verify here.',
    `      ca_file: ${file(PROMETHEUS_FILES.ca)}`,
    '      # What the exporters demand to see of Prometheus. Read again at every scrape.',
    `      cert_file: ${file(PROMETHEUS_FILES.certificate)}`,
    `      key_file: ${file(PROMETHEUS_FILES.key)}`,
    '      min_version: TLS12',
    ...credentials(username, passwordFile),
    '    # A host that was broken into must not send Prometheus elsewhere, nor choose the labels of other hosts.',
    '    follow_redirects: false',
    '    honor_labels: false',
    '    file_sd_configs:',
    '      - files:',
    '          # One file for each job; every target brings its labels, job among them. Prometheus watches the folder.',
    `          - ${file(`${PROMETHEUS_FILES.targets}/*.json`)}`,
  ];
  return `${lines.join('\n')}\n`;
}

function credentials(username: string | undefined, passwordFile: string | undefined): string[] {
  if (username === undefined && passwordFile === undefined) return [];
  if (username === undefined || passwordFile === undefined || !posix.isAbsolute(passwordFile)) {
    throw invalid('needs a user name together with the absolute path of a password file');
  }
  return [
    '    basic_auth:',
    `      username: ${checkText('user name', username)}`,
    `      password_file: ${checkText('password file', passwordFile)}`,
  ];
}

/** Prometheus takes the path of the targets as a pattern. */
function checkFolder(folder: string): string {
  if (!posix.isAbsolute(folder) || /[*?[\]\\]/u.test(folder)) {
    throw invalid('needs a folder with an absolute path without any of * ? [ ] \\');
  }
  checkText('folder', folder);
  return folder;
}

function checkInterval(interval: string): string {
  if (parseDuration(interval) === 0) throw invalid('cannot scrape every 0 seconds');
  return interval;
}

function checkText(what: string, text: string): string {
  if (text === '' || hasControl(text)) throw invalid(`needs a ${what} without control characters`);
  return quoteYaml(text);
}

function invalid(why: string): TorchpassError {
  return new TorchpassError('CONFIG_INVALID', `The scrape job for Prometheus ${why}.`);
}
