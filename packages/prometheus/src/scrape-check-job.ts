import { dirname, join, resolve } from 'node:path';
import type { ExpectedPrometheus, Finding } from './finding.ts';
import { PROMETHEUS_FILES } from './scrape-config.ts';
import { isMapping, type Mapping } from './yaml.ts';

/** What is wrong with one job that reads our targets. */
export function checkScrapeJob(job: Mapping, where: string, expected: ExpectedPrometheus): Finding[] {
  return [...checkTransport(job, where), ...checkTls(job['tls_config'], `${where}.tls_config`, expected)];
}

function checkTransport(job: Mapping, where: string): Finding[] {
  const findings: Finding[] = [];
  if (job['scheme'] !== 'https') {
    findings.push({
      severity: 'error',
      where: `${where}.scheme`,
      problem: 'Prometheus would speak plain HTTP, which the exporters refuse.',
      remedy: 'Write "scheme: https".',
    });
  }
  if (job['honor_labels'] === true) {
    findings.push({
      severity: 'warning',
      where: `${where}.honor_labels`,
      problem: 'A host that was broken into could write series in the name of other hosts.',
      remedy: 'Remove it; false is what Prometheus does by itself.',
    });
  }
  if (job['follow_redirects'] !== false) {
    findings.push({
      severity: 'warning',
      where: `${where}.follow_redirects`,
      problem: 'A host that was broken into could send Prometheus to addresses inside your network.',
      remedy: 'Write "follow_redirects: false".',
    });
  }
  for (const key of ['proxy_url', 'proxy_from_environment']) {
    if ((job[key] ?? false) === false || job[key] === '') continue;
    findings.push({
      severity: 'warning',
      where: `${where}.${key}`,
      problem: 'Prometheus would reach the exporters through a proxy, whose address their firewalls do not know.',
      remedy: 'Remove it, unless the exporters can be reached in no other way.',
    });
  }
  return findings;
}

function checkTls(tls: unknown, where: string, { folder, configPath }: ExpectedPrometheus): Finding[] {
  if (!isMapping(tls)) {
    const problem = 'Prometheus would neither know the exporters nor be known to them.';
    return [{ severity: 'error', where, problem, remedy: 'Copy tls_config from scrape-config.yml.' }];
  }
  const findings: Finding[] = [];
  const files = {
    ca_file: PROMETHEUS_FILES.ca,
    cert_file: PROMETHEUS_FILES.certificate,
    key_file: PROMETHEUS_FILES.key,
  };
  for (const [key, name] of Object.entries(files)) {
    const found = tls[key];
    const wanted = join(folder, name);
    if (typeof found === 'string' && resolve(dirname(configPath), found) === wanted) continue;
    findings.push({
      severity: 'error',
      where: `${where}.${key}`,
      problem:
        typeof found === 'string' && found !== ''
          ? `${found} is not the file that Torchpass renews.`
          : `${key} is missing; a certificate written out here would not be renewed either.`,
      remedy: `Write "${key}: ${wanted}".`,
    });
  }
  if ((tls['insecure_skip_verify'] ?? false) !== false) {
    findings.push({
      severity: 'error',
      where: `${where}.insecure_skip_verify`,
      problem: 'Prometheus would accept any server at a target address, and send it the password if there is one.',
      remedy: 'Remove it.',
    });
  }
  if ((tls['server_name'] ?? '') !== '') {
    findings.push({
      severity: 'error',
      where: `${where}.server_name`,
      problem: 'Every exporter would be held against this one name instead of the address that is dialled.',
      remedy: 'Remove it.',
    });
  }
  for (const key of ['min_version', 'max_version']) {
    if (tls[key] !== 'TLS10' && tls[key] !== 'TLS11') continue;
    findings.push({
      severity: 'warning',
      where: `${where}.${key}`,
      problem: `${tls[key]} is out of date.`,
      remedy: key === 'min_version' ? 'Write "min_version: TLS12".' : 'Remove it.',
    });
  }
  return findings;
}
