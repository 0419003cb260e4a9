import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { nearest, reasonOf, TorchpassError } from '@torchpass/core';

export interface Options {
  only: string[];
  quick: boolean;
  output: string;
  document: boolean;
  help: boolean;
}

const DEFAULT_OUTPUT = join(import.meta.dirname, '../../.cache/bench.json');

/** USAGE when the command line is wrong. */
export function readOptions(args: string[], names: readonly string[]): Options {
  const values = parse(args);
  const unknown = values.only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const guess = nearest(unknown, names);
    throw new TorchpassError('USAGE', `There is no measurement "${unknown}".`, {
      hint: guess === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${guess}"?`,
    });
  }
  return { ...values, output: resolve(values.output) };
}

function parse(args: string[]) {
  try {
    const options = {
      only: { type: 'string', multiple: true, default: [] as string[] },
      quick: { type: 'boolean', default: false },
      output: { type: 'string', default: DEFAULT_OUTPUT },
      document: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    } as const;
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new TorchpassError('USAGE', `${reasonOf(error).replace(/\.$/, '')}.`, {
      hint: 'See: npm run bench -- --help',
    });
  }
}

export function usage(names: readonly string[]): string {
  return `Usage: npm run bench -- [--only NAME]... [--quick] [--document] [--output FILE]

Measures Torchpass on this machine: real processes, loopback only, under six minutes.

  --only NAME     this measurement only; may be repeated: ${names.join(', ')}
  --quick         one second a round and two rounds: shows that everything runs, and is no result
  --document      write the figures into docs/performance.md as well
  --output FILE   JSON of the result (default: .cache/bench.json)
`;
}
