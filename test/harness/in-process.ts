import { createAgent, loadSettings, type Agent } from '@torchpass/agent';
import { nodeFiles } from '@torchpass/core';
import type { LabAgent } from './agent.ts';

/** The agent of a host in this process, on the same folder and configuration: for many passes in a short time. */
export async function agentInProcess({ configFile }: LabAgent): Promise<Agent> {
  return createAgent({ settings: await loadSettings({ configFile }, nodeFiles()) });
}
