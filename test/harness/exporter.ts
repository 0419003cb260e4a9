import { once } from 'node:events';
import { connect } from 'node:net';
import type { Binaries } from '@torchpass/quickstart';
import { eventually, GiveUp } from './eventually.ts';
import { freePort } from './ports.ts';
import { runToEnd, start, type Running } from './processes.ts';
import type { Scope } from './scope.ts';

export interface Exporter {
  address: string;
  port: number;
  /** The process of now; another one after a restart. */
  readonly process: Running;
  /** Stops it and starts it again with the same arguments; resolves when it listens. */
  restart(): Promise<void>;
}

export interface ExporterOptions {
  /** 127.0.0.1 unless given. */
  address?: string;
  /** A free one unless given. */
  port?: number;
  /** Path of a web configuration; plain HTTP without one. */
  webConfig?: string;
  args?: readonly string[];
}

/** Starts a real node_exporter with one cheap collector; resolves when it listens. */
export async function startExporter(
  scope: Scope,
  binaries: Binaries,
  options: ExporterOptions = {},
): Promise<Exporter> {
  const { address = '127.0.0.1', webConfig, args = [] } = options;
  const port = options.port ?? (await freePort(address));
  const command = [
    `--web.listen-address=${address.includes(':') ? `[${address}]` : address}:${port}`,
    '--collector.disable-defaults',
    '--collector.uname',
    ...(webConfig === undefined ? [] : [`${await webConfigFlag(scope, binaries)}=${webConfig}`]),
    ...args,
  ];
  const launch = async () => {
    const process = start(scope, binaries.nodeExporter, command);
    await eventually(() => listens(process, address, port), { withinMs: 20_000 });
    return process;
  };
  let process = await launch();
  return {
    address,
    port,
    get process() {
      return process;
    },
    async restart() {
      await process.stop();
      process = await launch();
    },
  };
}

/** `--web.config` up to 1.4, `--web.config.file` from 1.5 on; each version refuses the other. */
export async function webConfigFlag(scope: Scope, { nodeExporter }: Binaries): Promise<string> {
  const { output } = await runToEnd(scope, nodeExporter, ['--version']);
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(output) ?? [];
  if (major === undefined) throw new Error(`${nodeExporter} does not say its version: ${output}`);
  return major === '1' && Number(minor) < 5 ? '--web.config' : '--web.config.file';
}

async function listens(process: Running, host: string, port: number): Promise<void> {
  if (process.exit !== undefined) throw new GiveUp(`The exporter ended at once:\n${process.output}`);
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
