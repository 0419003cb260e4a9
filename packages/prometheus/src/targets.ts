import { formatHostPort, parseHostPort, reasonOf, TorchpassError } from '@torchpass/core';
import { checkLabelName, checkLabelValue, sortLabels } from './labels.ts';
import { isMapping } from './yaml.ts';

export interface Target {
  /** HOST:PORT. */
  address: string;
  /** Complete: also job, host, and perhaps `__metrics_path__`. */
  labels: Readonly<Record<string, string>>;
}

/** The only one of Prometheus's own labels that Torchpass sets; any other would redirect or rewrite a scrape. */
const METRICS_PATH = '__metrics_path__';

/**
 * A file for Prometheus's file_sd_configs: JSON, one group for each target, sorted by address and labels, so that the
 * same targets give the same bytes. JSON because Prometheus drops all targets of a broken YAML file and keeps those of
 * a broken JSON file.
 *
 * @throws ADDRESS_INVALID, LABEL_INVALID
 */
export function renderTargets(targets: readonly Target[]): string {
  const groups = targets
    .map(({ address, labels }) => ({
      targets: [formatHostPort(parseHostPort(address))],
      labels: sortLabels(checkTargetLabels(labels)),
    }))
    .map((group) => ({ group, key: JSON.stringify(group) }))
    .toSorted((a, b) => compare(a.group.targets[0] ?? '', b.group.targets[0] ?? '') || compare(a.key, b.key))
    .map(({ group }) => group);
  return `${JSON.stringify(groups, undefined, 2)}\n`;
}

/**
 * The targets of such a file, in its order; a group of several gives several. Names of labels are checked as Prometheus
 * 2.x does, which refuses a file for one bad name; unknown keys are refused as there.
 *
 * @throws CONFIG_INVALID, ADDRESS_INVALID, LABEL_INVALID
 */
export function readTargets(text: string): Target[] {
  const groups = parseJson(text);
  if (!Array.isArray(groups)) throw invalid('is not a list of groups');
  return groups.flatMap(readGroup);
}

function readGroup(group: unknown, index: number): Target[] {
  if (!isMapping(group)) throw invalid(`has something else than a group at [${index}]`);
  const { targets, labels = {}, ...rest } = group;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw invalid(`has the unknown key ${JSON.stringify(unknown.slice(0, 80))} at [${index}]`);
  if (!Array.isArray(targets)) throw invalid(`has no list of targets at [${index}]`);
  if (!isMapping(labels)) throw invalid(`has labels that are not an object at [${index}]`);
  const checked: [string, string][] = Object.entries(labels).map(([name, value]) => {
    checkLabelName(name);
    checkLabelValue(name, value);
    return [name, value];
  });
  return targets.map((address: unknown) => {
    if (typeof address !== 'string') throw invalid(`has a target that is not text at [${index}]`);
    return { address: formatHostPort(parseHostPort(address)), labels: Object.fromEntries(checked) };
  });
}

function checkTargetLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(labels)) {
    checkLabelName(name);
    checkLabelValue(name, value);
    if (name.startsWith('__') && name !== METRICS_PATH) {
      throw new TorchpassError(
        'LABEL_INVALID',
        `The label "${name.slice(0, 80)}" would change how Prometheus scrapes.`,
      );
    }
  }
  return labels;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`is not JSON: ${reasonOf(error).replace(/[,:"'].*$/su, '')}`, error);
  }
}

function invalid(what: string, cause?: unknown): TorchpassError {
  return new TorchpassError('CONFIG_INVALID', `The target file ${what}.`, {
    cause,
    hint: 'Target files belong to the controller, which writes them anew when it starts.',
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
