import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Exit, Running } from './processes.ts';
import { runProgram, startProgram } from './programs.ts';
import type { Scope } from './scope.ts';
import { workspace } from './workspace.ts';

export interface LabAgent {
  storage: string;
  configFile: string;
  webConfig(exporter: string): string;
  enroll(token: string): Promise<Running & { exit: Exit }>;
  sync(...args: string[]): Promise<Running & { exit: Exit }>;
  leave(): Promise<Running & { exit: Exit }>;
  /** An agent of the same configuration on a copy of its storage, as on a cloned disk. */
  clone(): Promise<LabAgent>;
  /** The resident agent. */
  run(): Running;
  status(form?: 'text' | 'json'): Promise<Running & { exit: Exit }>;
}

export interface LabExporter {
  name?: string;
  address: string;
  port: number;
  /** Keys of the agent's configuration for this exporter. */
  [key: string]: unknown;
}

interface AgentOptions {
  controller: string;
  hostName: string;
  exporters: LabExporter[];
}

/** A real agent with a storage folder of its own. */
export async function createLabAgent(scope: Scope, options: AgentOptions): Promise<LabAgent> {
  return agentIn(scope, await workspace(scope), options);
}

async function agentIn(scope: Scope, folder: string, options: AgentOptions): Promise<LabAgent> {
  const storage = join(folder, 'agent');
  const configFile = join(folder, 'agent.yml');
  const exporters = options.exporters.map(({ name = 'node', address, port, ...rest }) => {
    return { name, port, probe_address: `${address}:${port}`, advertise: address, patience: '20s', ...rest };
  });
  const config = { controller: options.controller, storage_path: storage, host_name: options.hostName, exporters };
  await writeFile(configFile, stringify(config));
  const flag = `--config.file=${configFile}`;
  return {
    storage,
    configFile,
    webConfig: (exporter) => join(storage, 'exporters', exporter, 'web-config.yml'),
    enroll: (token) => runProgram(scope, 'torchpass-agent', ['enroll', flag], { input: `${token}\n` }),
    sync: (...args) => runProgram(scope, 'torchpass-agent', ['sync', flag, ...args]),
    leave: () => runProgram(scope, 'torchpass-agent', ['leave', flag]),
    async clone() {
      const copy = await workspace(scope);
      await cp(storage, join(copy, 'agent'), { recursive: true });
      return agentIn(scope, copy, options);
    },
    run: () => startProgram(scope, 'torchpass-agent', ['run', flag]),
    status: (form = 'json') => runProgram(scope, 'torchpass-agent', ['status', flag, '--output', form]),
  };
}
