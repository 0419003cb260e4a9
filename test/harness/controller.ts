import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { HostView, TargetView, TokenView } from '@torchpass/controller/api';
import { freePort } from './ports.ts';
import type { Running } from './processes.ts';
import { runProgram, startProgram } from './programs.ts';
import type { Scope } from './scope.ts';
import { workspace } from './workspace.ts';

export interface InitializedController {
  folder: string;
  /** Its storage_path. */
  storage: string;
  /** HOST:PORT that agents dial. */
  address: string;
  port: number;
  /** http://… of health and metrics. */
  operations: string;
  socket: string;
  configFile: string;
}

export interface LabController extends InitializedController {
  /** What Prometheus reads. */
  prometheus: string;
  /** The process of now; another one after a restart. */
  readonly process: Running;
  /** Starts it again after it ended in whatever way; resolves when it is ready. */
  start(): Promise<void>;
  /** Runs the operator's command; its standard output. Throws with all output unless the exit code is 0. */
  operator(...args: string[]): Promise<string>;
  createToken(...args: string[]): Promise<string>;
  hosts(): Promise<HostView[]>;
  targets(): Promise<TargetView[]>;
  tokens(): Promise<TokenView[]>;
}

/** What `torchpass-controller init` leaves, on loopback with loopback allowed as targets. `config` is merged over the test's own. */
export async function initLabController(
  scope: Scope,
  config: Record<string, unknown> = {},
): Promise<InitializedController> {
  const folder = await workspace(scope);
  const [port, operationsPort] = [await freePort(), await freePort()];
  const storage = join(folder, 'controller');
  const address = `127.0.0.1:${port}`;
  const socket = join(storage, 'controller.sock');
  const configFile = join(folder, 'controller.yml');
  const own = {
    storage_path: storage,
    listen_address: address,
    advertise_address: address,
    admin: { socket, listen_address: `127.0.0.1:${operationsPort}` },
    policy: { allowed_networks: ['127.0.0.0/8'] },
    targets: { publish_interval: '100ms', check_in_interval: '2s' },
    limits: { rate_factor: 100 },
  };
  await writeFile(configFile, stringify({ ...own, ...config }));
  const initialized = await runProgram(scope, 'torchpass-controller', ['init', `--config.file=${configFile}`]);
  if (initialized.exit.code !== 0) throw new Error(initialized.output);
  return { folder, storage, address, port, operations: `http://127.0.0.1:${operationsPort}`, socket, configFile };
}

/** A real controller, as `initLabController` makes it, running. */
export async function startLabController(scope: Scope, config: Record<string, unknown> = {}): Promise<LabController> {
  const initialized = await initLabController(scope, config);
  const { storage, socket, configFile } = initialized;

  const launch = async () => {
    const running = startProgram(scope, 'torchpass-controller', ['run', `--config.file=${configFile}`]);
    await running.waitFor(/controller is ready/, { withinMs: 60_000 });
    return running;
  };
  let running = await launch();

  const operator = async (...args: string[]) => {
    const { exit, stdout, output } = await runProgram(scope, 'torchpass', [...args, '--socket', socket]);
    if (exit.code !== 0) throw new Error(`torchpass ${args.join(' ')} ended with ${exit.code}:\n${output}`);
    return stdout;
  };
  const list = async <T>(noun: string) => JSON.parse(await operator(noun, 'list', '--output', 'json')) as T;

  return {
    ...initialized,
    prometheus: join(storage, 'prometheus'),
    get process() {
      return running;
    },
    async start() {
      running = await launch();
    },
    operator,
    createToken: async (...args) => (await operator('token', 'create', '--output', 'token', ...args)).trim(),
    hosts: async () => (await list<{ hosts: HostView[] }>('host')).hosts,
    targets: async () => (await list<{ targets: TargetView[] }>('target')).targets,
    tokens: async () => (await list<{ tokens: TokenView[] }>('token')).tokens,
  };
}
