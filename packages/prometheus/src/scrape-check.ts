import { dirname, join, resolve } from 'node:path';
import type { ExpectedPrometheus, Finding } from './finding.ts';
import { isFileSdPattern, matchesGlob } from './glob.ts';
import { checkScrapeJob } from './scrape-check-job.ts';
import { PROMETHEUS_FILES } from './scrape-config.ts';
import { isMapping, type Mapping, readYaml } from './yaml.ts';

interface Pattern {
  readonly job: number;
  readonly where: string;
  /** Resolved. */
  readonly pattern: string;
}

/**
 * What is wrong with a prometheus.yml about scraping through Torchpass; nothing when it is right. Other jobs are not
 * judged, nor is what relabelling does. Never throws.
 */
export function checkPrometheusConfig(text: string, expected: ExpectedPrometheus): Finding[] {
  const yaml = readYaml(text);
  if ('problem' in yaml) {
    const where = yaml.line === undefined ? expected.configPath : `line ${yaml.line}`;
    return [error(where, `Not valid YAML: ${yaml.problem}.`, 'Correct it; "promtool check config" tells when it is.')];
  }
  const root = yaml.value ?? {};
  if (!isMapping(root)) {
    return [error(expected.configPath, 'This is not a Prometheus configuration.', 'Give the path of prometheus.yml.')];
  }
  const several: Finding = {
    severity: 'warning',
    where: expected.configPath,
    problem: 'There are several YAML documents; Prometheus reads only the first.',
    remedy: 'Remove the line "---" and what is not meant.',
  };
  return [...(yaml.documents > 1 ? [several] : []), ...checkRoot(root, expected)];
}

function checkRoot(root: Mapping, expected: ExpectedPrometheus): Finding[] {
  const jobs = root['scrape_configs'] ?? [];
  if (!Array.isArray(jobs)) {
    return [error('scrape_configs', 'This is not a list of jobs.', 'Each job begins with "- job_name:".')];
  }
  const patterns = jobs.flatMap((job: unknown, index) => ourPatterns(job, index, expected));
  if (patterns.length === 0) return missing(root, expected);
  const ours = new Set(patterns.map((pattern) => pattern.job));
  return [
    ...patterns.flatMap((pattern) => checkPattern(pattern)),
    ...uncovered(patterns, expected),
    ...overlaps(patterns),
    ...[...ours].flatMap((index) => {
      const job: unknown = jobs[index];
      return isMapping(job) ? checkScrapeJob(job, `scrape_configs[${index}]`, expected) : [];
    }),
  ];
}

/** Where a job reads files of our targets folder, or would if the pattern were allowed. */
function ourPatterns(job: unknown, index: number, { folder, configPath }: ExpectedPrometheus): Pattern[] {
  const targets = join(folder, PROMETHEUS_FILES.targets);
  const discoveries = isMapping(job) ? listOf(job['file_sd_configs']) : [];
  return discoveries.flatMap((discovery, at) =>
    (isMapping(discovery) ? listOf(discovery['files']) : []).flatMap((file, position) => {
      if (typeof file !== 'string') return [];
      const pattern = resolve(dirname(configPath), file);
      const where = `scrape_configs[${index}].file_sd_configs[${at}].files[${position}]`;
      return matchesGlob(targets, dirname(pattern)) ? [{ job: index, where, pattern }] : [];
    }),
  );
}

function checkPattern({ where, pattern }: Pattern): Finding[] {
  if (!isFileSdPattern(pattern)) {
    return [
      error(where, 'Prometheus refuses this pattern: "*" may be in the last segment only, before ".json".', asRendered),
    ];
  }
  if (/\.ya?ml$/iu.test(pattern)) {
    return [error(where, 'Torchpass writes its targets as JSON: this finds nothing.', asRendered)];
  }
  return [];
}

/** A job that names single files is fine, until the next kind of exporter joins. */
function uncovered(patterns: readonly Pattern[], { folder }: ExpectedPrometheus): Finding[] {
  const probe = join(folder, PROMETHEUS_FILES.targets, 'a-job-yet-to-come.json');
  const [first] = patterns;
  if (first === undefined || patterns.some(({ pattern }) => matchesGlob(probe, pattern))) return [];
  if (!patterns.some(({ pattern }) => pattern.endsWith('.json'))) return [];
  const problem = 'Only some files of the targets folder are read: jobs that come later would not be scraped.';
  return [{ severity: 'warning', where: first.where, problem, remedy: asRendered }];
}

function overlaps(patterns: readonly Pattern[]): Finding[] {
  return patterns.flatMap((one, position) =>
    patterns
      .slice(0, position)
      .filter((other) => other.job !== one.job)
      .filter((other) => matchesGlob(one.pattern, other.pattern) || matchesGlob(other.pattern, one.pattern))
      .slice(0, 1)
      .map((other) =>
        error(
          one.where,
          `scrape_configs[${other.job}] reads the same files: every target would be scraped twice.`,
          'Keep one of the two jobs.',
        ),
      ),
  );
}

function missing(root: Mapping, { folder, configPath }: ExpectedPrometheus): Finding[] {
  const snippet = join(folder, PROMETHEUS_FILES.scrapeConfig);
  const remedy = `Paste ${snippet} into it, then reload Prometheus.`;
  const included = listOf(root['scrape_config_files']).filter((file) => typeof file === 'string');
  if (included.some((file) => matchesGlob(snippet, resolve(dirname(configPath), file)))) return [];
  const problem = `No job reads ${join(folder, PROMETHEUS_FILES.targets)}: Prometheus scrapes nothing through Torchpass.`;
  if (included.length === 0) return [error('scrape_configs', problem, remedy)];
  const unsure = 'No job here reads the targets of Torchpass; the files named here were not looked at.';
  return [{ severity: 'warning', where: 'scrape_config_files', problem: unsure, remedy }];
}

const asRendered = 'Write it as in scrape-config.yml: FOLDER/targets/*.json.';

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function error(where: string, problem: string, remedy: string): Finding {
  return { severity: 'error', where, problem, remedy };
}
