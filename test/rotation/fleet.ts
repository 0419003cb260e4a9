import { setTimeout as delay } from 'node:timers/promises';
import type { Agent } from '@torchpass/agent';
import { reasonOf } from '@torchpass/core';
import type { Binaries } from '@torchpass/quickstart';
import { trustOf } from '../harness/caller.ts';
import { createTokens } from '../harness/admin.ts';
import type { LabController } from '../harness/controller.ts';
import { joinHost } from '../harness/host.ts';
import { agentInProcess } from '../harness/in-process.ts';
import type { Scope } from '../harness/scope.ts';
import { simulateAgent, type SimulatedAgent } from './simulated-agent.ts';

/** So many programs or handshakes at once: the machine is small. */
const AT_ONCE = 4;

/** The results in order, a few at a time. */
export async function inTurns<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const entries = items.entries();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const [index, item] of entries) results[index] = await work(item, index);
    }),
  );
  return results;
}

/** Real exporters with real agents, which live in this process from here on and check in as often as they are told. */
export async function startRealHosts(
  scope: Scope,
  { controller, binaries, count }: { controller: LabController; binaries: Binaries; count: number },
): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => `real-${index + 1}`);
  const agents = await inTurns(names, async (name, index): Promise<Agent> => {
    const host = await joinHost(scope, binaries, { controller, name, address: `127.0.6.${index + 1}` });
    return agentInProcess(host.agent);
  });
  const stop = new AbortController();
  const running = agents.map((agent) => agent.run(stop.signal));
  scope.defer(async () => {
    stop.abort();
    await Promise.allSettled(running);
  });
  return names;
}

export interface SimulatedFleet {
  agents: SimulatedAgent[];
  /** What went wrong at check-ins of those that are online, by sentence. */
  failures: Map<string, number>;
}

/** Simulated agents that check in one after the other, each once in `everyMs`. */
export async function startSimulatedHosts(
  scope: Scope,
  { controller, count, everyMs }: { controller: LabController; count: number; everyMs: number },
): Promise<SimulatedFleet> {
  const { rootsPem, trustDomain } = await trustOf(controller);
  const numbers = Array.from({ length: count }, (_, index) => index);
  const agents = await inTurns(numbers, async (index) => {
    const address = `127.7.${Math.floor(index / 250)}.${(index % 250) + 1}`;
    const [token] = await createTokens(controller, 1, { addresses: [address] });
    if (token === undefined) throw new Error('there is no token');
    const simulation = { controller, token, name: `simulated-${index + 1}`, address, rootsPem, trustDomain };
    return simulateAgent(simulation);
  });
  const failures = new Map<string, number>();
  const stop = new AbortController();
  const loop = async (agent: SimulatedAgent, index: number) => {
    await delay((everyMs * index) / count, undefined, { signal: stop.signal });
    while (!stop.signal.aborted) {
      if (agent.online) {
        await agent.checkIn().catch((error: unknown) => {
          failures.set(reasonOf(error), (failures.get(reasonOf(error)) ?? 0) + 1);
        });
      }
      await delay(everyMs, undefined, { signal: stop.signal });
    }
  };
  const running = agents.map(loop);
  scope.defer(async () => {
    stop.abort();
    await Promise.allSettled(running);
    for (const agent of agents) agent.close();
  });
  return { agents, failures };
}
