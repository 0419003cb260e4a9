import { isAbsolute, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { reasonOf, TorchpassError } from '@torchpass/core';

export interface Options {
  /** Absolute; holds all state. */
  dataDir: string;
  /** How many exporters to enrol. */
  hosts: number;
  exitAfterReady: boolean;
  ports: Ports;
}

export interface Ports {
  /** The controller's public port. */
  controller: number;
  /** Its health and metrics. */
  operations: number;
  prometheus: number;
  /** Of every exporter; each has an address of its own. */
  exporter: number;
}

const MOST_HOSTS = 100;

export const HELP = `Usage: npm start -- [options]

Runs the whole of Torchpass on this machine: a controller, a real Prometheus, and a real node_exporter that an agent
locks down with mutual TLS. Stays until Ctrl-C.

Exit status: 0 when it was stopped with Ctrl-C or a signal, or is ready with --exit-after-ready; 1 when something
failed; 2 when an option is wrong; 4 when the controller does not get ready.

Options:
  --data-dir DIR          holds all state (default: .torchpass in the checkout); run again, it resumes
  --hosts N               enrol N exporters, on 127.0.0.2, 127.0.0.3, … (default: 1)
  --exit-after-ready      stop as soon as Prometheus says up == 1, with exit status 0
  --controller-port PORT  where agents connect (default: 7443)
  --operations-port PORT  the controller's health and metrics (default: 7444)
  --prometheus-port PORT  Prometheus's own interface (default: 9090)
  --exporter-port PORT    where the exporters listen (default: 9100)
  --help                  this text

Examples:
  npm start
  npm start -- --hosts 3 --exit-after-ready
`;

/** Reads the command line; undefined when help was asked for. `USAGE` says what is wrong. */
export function readOptions(args: string[], checkout: string, cwd: string): Options | undefined {
  const { values } = parse(args);
  if (values.help === true) return undefined;
  const dataDir = values['data-dir'];
  return {
    dataDir:
      dataDir === undefined ? resolve(checkout, '.torchpass') : isAbsolute(dataDir) ? dataDir : resolve(cwd, dataDir),
    hosts: wholeNumber('--hosts', values.hosts, 1, MOST_HOSTS),
    exitAfterReady: values['exit-after-ready'] === true,
    ports: distinctPorts({
      controller: values['controller-port'],
      operations: values['operations-port'],
      prometheus: values['prometheus-port'],
      exporter: values['exporter-port'],
    }),
  };
}

/** One port for two of them would only be noticed when the second one starts. */
function distinctPorts(given: Record<keyof Ports, string>): Ports {
  const flags = new Map<number, string>();
  const take = (role: keyof Ports) => {
    const flag = `--${role}-port`;
    const port = wholeNumber(flag, given[role], 1, 65_535);
    const other = flags.get(port);
    if (other !== undefined) {
      throw new TorchpassError('USAGE', `${other} and ${flag} are both ${port}; each needs a port of its own.`, {
        hint: 'See: npm start -- --help',
      });
    }
    flags.set(port, flag);
    return port;
  };
  return {
    controller: take('controller'),
    operations: take('operations'),
    prometheus: take('prometheus'),
    exporter: take('exporter'),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        'data-dir': { type: 'string' },
        hosts: { type: 'string', default: '1' },
        'exit-after-ready': { type: 'boolean' },
        'controller-port': { type: 'string', default: '7443' },
        'operations-port': { type: 'string', default: '7444' },
        'prometheus-port': { type: 'string', default: '9090' },
        'exporter-port': { type: 'string', default: '9100' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new TorchpassError('USAGE', `${reasonOf(error).replace(/\.$/, '')}.`, { hint: 'See: npm start -- --help' });
  }
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new TorchpassError(
    'USAGE',
    `${flag} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}.`,
    {
      hint: 'See: npm start -- --help',
    },
  );
}
