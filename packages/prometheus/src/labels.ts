import { TorchpassError } from '@torchpass/core';
import { hasControl } from './yaml.ts';

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** Set by the controller or by Prometheus; a host that could choose them could pose as another. */
const RESERVED = new Set(['job', 'instance', 'host']);
const MOST_LABELS = 20;
const LONGEST_NAME = 64;
const LONGEST_VALUE = 128;

/**
 * Labels that an operator or a host chose: the same, sorted by name. At most 20; names of 1 to 64 characters as every
 * Prometheus accepts them (2.x refuses the whole target file for a dash in one); values of at most 128 characters.
 *
 * @throws LABEL_INVALID
 */
export function checkLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(labels);
  if (entries.length > MOST_LABELS) {
    throw new TorchpassError('LABEL_INVALID', `${entries.length} labels are too many.`, {
      hint: `A host has at most ${MOST_LABELS} labels.`,
    });
  }
  for (const [name, value] of entries) checkLabel(name, value);
  return sortLabels(labels);
}

function checkLabel(name: string, value: string): void {
  checkLabelName(name);
  if (name.length > LONGEST_NAME) refuse(name, `is longer than ${LONGEST_NAME} characters`);
  if (name.startsWith('__')) refuse(name, 'begins with two underscores, which Prometheus keeps for itself');
  if (RESERVED.has(name)) refuse(name, 'is set by Torchpass or Prometheus and cannot be chosen');
  checkLabelValue(name, value);
  if (Array.from(value).length > LONGEST_VALUE) refuse(name, `has a value longer than ${LONGEST_VALUE} characters`);
}

/** Whether Prometheus 2.x and 3.x read it; no more. */
export function checkLabelName(name: string): void {
  if (!NAME.test(name)) refuse(name, 'is not the name of a label');
}

export function checkLabelValue(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') refuse(name, 'has a value that is not text');
  if (hasControl(value)) refuse(name, 'has a value with a line break or another control character');
}

export function sortLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function refuse(name: string, why: string): never {
  throw new TorchpassError('LABEL_INVALID', `The label ${JSON.stringify(name.slice(0, LONGEST_NAME))} ${why}.`, {
    hint: 'Write NAME=VALUE; names have letters, digits and underscores and do not begin with a digit.',
  });
}
