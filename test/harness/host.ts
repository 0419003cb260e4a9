import { access } from 'node:fs/promises';
import type { Binaries } from '@torchpass/quickstart';
import { createLabAgent, type LabAgent } from './agent.ts';
import type { LabController } from './controller.ts';
import { eventually, GiveUp } from './eventually.ts';
import { startExporter, type Exporter } from './exporter.ts';
import { freePort } from './ports.ts';
import { startRestarter } from './restarter.ts';
import type { Scope } from './scope.ts';

export interface LabHost {
  name: string;
  /** HOST:PORT that Prometheus dials. */
  target: string;
  agent: LabAgent;
  exporter: Exporter;
  webConfig: string;
  /** What `torchpass-agent enroll` said. */
  said: string;
}

export interface JoinOptions {
  controller: LabController;
  name: string;
  /** 127.0.0.1 unless given. An address belongs to one host, so a second host needs another of 127.0.0.0/8. */
  address?: string;
  /** More arguments for `torchpass token create`. */
  token?: string[];
  /** Whether the agent can restart the exporter; not unless given. */
  restartable?: boolean;
}

/**
 * A server that joins as a user's does: token, `torchpass-agent enroll`, and a real node_exporter that is started only once
 * its web configuration is there, so that it is locked from its first moment. Resolves when the agent ended with 0.
 */
export async function joinHost(
  scope: Scope,
  binaries: Binaries,
  { controller, name, address = '127.0.0.1', token: more = [], restartable = false }: JoinOptions,
): Promise<LabHost> {
  const port = await freePort(address);
  let running: Exporter | undefined;
  // Before it was started there is nothing to restart.
  const restart = restartable ? { restart: await startRestarter(scope, async () => running?.restart()) } : {};
  const agent = await createLabAgent(scope, {
    controller: controller.address,
    hostName: name,
    exporters: [{ address, port, binary: binaries.nodeExporter, ...restart }],
  });
  const webConfig = agent.webConfig('node');
  const token = await controller.createToken('--job', 'node', '--address', address, ...more);
  let ended = false;
  const enrol = async () => {
    const { exit, output } = await agent.enroll(token).finally(() => (ended = true));
    if (exit.code !== 0) throw new Error(`torchpass-agent enroll of ${name} ended with ${exit.code}:\n${output}`);
    return output;
  };
  const serve = async () => {
    const written = () =>
      access(webConfig).catch((error: unknown) => {
        throw ended ? new GiveUp(`There is no ${webConfig}, and the agent has ended.`) : error;
      });
    await eventually(written, { withinMs: 60_000 });
    running = await startExporter(scope, binaries, { address, port, webConfig });
    return running;
  };
  const [said, exporter] = await Promise.all([enrol(), serve()]);
  return { name, target: `${address}:${port}`, agent, exporter, webConfig, said };
}
