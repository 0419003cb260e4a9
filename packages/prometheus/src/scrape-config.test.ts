import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkPrometheusConfig } from './scrape-check.ts';
import { renderScrapeConfig, type ScrapeConfigOptions } from './scrape-config.ts';
import { absolutePath, broken, valueText } from './testing/arbitraries.ts';
import { outcomeOf } from './testing/outcome.ts';

const folder = '/var/lib/torchpass/prometheus';
const expected = { folder, configPath: '/etc/prometheus/prometheus.yml' };
const good = renderScrapeConfig({ folder });
const change = (from: string | RegExp, to: string) => {
  const changed = good.replace(from, to);
  expect(changed).not.toBe(good);
  return checkPrometheusConfig(changed, expected);
};

describe('the job to paste', () => {
  test('is a mutual TLS job over the target files', () => {
    const options = { folder, scrapeInterval: '30s', username: 'prometheus', passwordFile: `${folder}/password` };
    expect(parse(renderScrapeConfig(options))).toEqual({
      scrape_configs: [
        {
          job_name: 'torchpass',
          scrape_interval: '30s',
          scheme: 'https',
          tls_config: {
            ca_file: `${folder}/exporters-ca.pem`,
            cert_file: `${folder}/scraper.pem`,
            key_file: `${folder}/scraper-key.pem`,
            min_version: 'TLS12',
          },
          basic_auth: { username: 'prometheus', password_file: `${folder}/password` },
          follow_redirects: false,
          honor_labels: false,
          file_sd_configs: [{ files: [`${folder}/targets/*.json`] }],
        },
      ],
    });
  });

  test('passes its own check, whatever the folder and the names', () => {
    const name = valueText.filter((text) => text !== '');
    const path = absolutePath.filter((text) => !/[*?[\]\\]/u.test(text));
    fc.assert(
      fc.property(path, name, name, (folder, jobName, username) => {
        const text = renderScrapeConfig({ folder, jobName, username, passwordFile: `${folder}/p` });
        expect(checkPrometheusConfig(text, { ...expected, folder })).toEqual([]);
        const job = (parse(text) as { scrape_configs: Record<string, unknown>[] }).scrape_configs[0];
        expect(job).toMatchObject({ job_name: jobName, basic_auth: { username } });
      }),
    );
  });

  test.each<[string, Partial<ScrapeConfigOptions>]>([
    ['a relative folder', { folder: 'prometheus' }],
    ['a folder that is a pattern', { folder: '/srv/*' }],
    ['a line break', { jobName: 'a\nb' }],
    ['no name', { jobName: '' }],
    ['an interval that is none', { scrapeInterval: '0s' }],
    ['a user without a password', { username: 'prometheus' }],
    ['a password without a user', { passwordFile: '/p' }],
  ])('refuses %s', (_, options) => {
    const render = () => renderScrapeConfig({ folder, ...options });
    expect(outcomeOf(render)).toBe('CONFIG_INVALID');
  });
});

describe('a prometheus.yml', () => {
  test('with the job among others is right', () => {
    const other = '  - job_name: other\n    static_configs: [{targets: ["localhost:9090"]}]\n';
    expect(checkPrometheusConfig(good + other, expected)).toEqual([]);
  });

  test('may name files relative to itself', () => {
    const text = good.replaceAll(folder, '../../var/lib/torchpass/prometheus');
    expect(checkPrometheusConfig(text, expected)).toEqual([]);
    expect(checkPrometheusConfig(text, { ...expected, configPath: '/opt/prometheus/etc/prometheus.yml' })).not.toEqual(
      [],
    );
  });

  test.each<[string, string | RegExp, string, string]>([
    ['plain HTTP', 'scheme: https', 'scheme: http', 'scheme'],
    ['no scheme', /scheme: https/u, 'honor_timestamps: true', 'scheme'],
    ['no verification', 'min_version: TLS12', 'insecure_skip_verify: yes', 'tls_config.insecure_skip_verify'],
    ['one name for all', 'min_version: TLS12', 'server_name: a.example', 'tls_config.server_name'],
    ['another authority', 'exporters-ca.pem', 'ca.pem', 'tls_config.ca_file'],
    ['no authority', /ca_file: .*/u, '', 'tls_config.ca_file'],
    ['another certificate', '/scraper.pem', '/old/scraper.pem', 'tls_config.cert_file'],
    ['a certificate for a key', 'scraper-key.pem', 'scraper.pem', 'tls_config.key_file'],
    ['no TLS settings', 'tls_config', 'basic_auth', 'tls_config'],
    ['YAML files', 'targets/*.json', 'targets/*.yml', 'file_sd_configs[0].files[0]'],
    ['no ending', 'targets/*.json', 'targets/*', 'file_sd_configs[0].files[0]'],
    ['two patterns in a path', 'prometheus/targets/*.json', '*/targets/*.json', 'file_sd_configs[0].files[0]'],
  ])('with %s is an error', (_, from, to, where) => {
    expect(change(from, to)).toEqual([
      expect.objectContaining({ severity: 'error', where: `scrape_configs[0].${where}` }),
    ]);
  });

  test.each<[string, string, string, string]>([
    ['labels of the host’s choice', 'honor_labels: false', 'honor_labels: true', 'honor_labels'],
    ['redirects', 'follow_redirects: false', 'follow_redirects: true', 'follow_redirects'],
    ['redirects by default', 'follow_redirects: false', 'honor_timestamps: true', 'follow_redirects'],
    ['a proxy', 'scheme: https', 'scheme: https\n    proxy_url: http://proxy:3128', 'proxy_url'],
    ['an old TLS', 'TLS12', 'TLS10', 'tls_config.min_version'],
    ['one file only', 'targets/*.json', 'targets/node.json', 'file_sd_configs[0].files[0]'],
  ])('with %s gets a warning', (_, from, to, where) => {
    expect(change(from, to)).toEqual([
      expect.objectContaining({ severity: 'warning', where: `scrape_configs[0].${where}` }),
    ]);
  });

  test('without the job is told to paste it', () => {
    const [finding] = checkPrometheusConfig('scrape_configs:\n  - job_name: other\n', expected);
    expect(finding).toMatchObject({ severity: 'error', where: 'scrape_configs' });
    expect(finding?.remedy).toContain(`${folder}/scrape-config.yml`);
    expect(checkPrometheusConfig('', expected)).toHaveLength(1);
  });

  test('may include the job from our own file', () => {
    expect(checkPrometheusConfig(`scrape_config_files: ["${folder}/*.yml"]\n`, expected)).toEqual([]);
    const [finding] = checkPrometheusConfig('scrape_config_files: [more/*.yml]\n', expected);
    expect(finding).toMatchObject({ severity: 'warning', where: 'scrape_config_files' });
  });

  test('with two jobs over the same files would scrape twice', () => {
    const twice = good + good.slice(good.indexOf('  - job_name')).replace('*.json', 'node.json');
    expect(checkPrometheusConfig(twice, expected)).toEqual([
      expect.objectContaining({ severity: 'error', where: 'scrape_configs[1].file_sd_configs[0].files[0]' }),
    ]);
  });

  test('that is not YAML is an error with its line', () => {
    expect(checkPrometheusConfig('global:\n  a: 1\n  a: 2\n', expected)).toEqual([
      expect.objectContaining({ severity: 'error', where: 'line 3' }),
    ]);
    expect(checkPrometheusConfig('a:\n\t- b\n', expected)).toEqual([
      expect.objectContaining({ severity: 'error', where: 'line 2' }),
    ]);
  });

  test('that is broken in any way gives findings and never an exception', () => {
    const start = Date.now();
    fc.assert(
      fc.property(broken(fc.constant(good)), (text) => {
        for (const finding of checkPrometheusConfig(text, expected)) expect(finding.remedy).not.toBe('');
      }),
      { numRuns: 2000 },
    );
    const bomb = `a: &a0 [x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}\n`;
    expect(checkPrometheusConfig(bomb, expected)).toHaveLength(1);
    const stars = good.replace('targets/*.json', `${'*a'.repeat(2000)}/${'*b'.repeat(2000)}.json`);
    expect(checkPrometheusConfig(stars, expected)).toHaveLength(1);
    expect(Date.now() - start).toBeLessThan(20_000);
  });
});
