import type { AuthorityList } from '@torchpass/controller/api';
import type { Binaries } from '@torchpass/quickstart';
import { ask } from '../harness/admin.ts';
import { startLabController, type LabController } from '../harness/controller.ts';
import { eventually } from '../harness/eventually.ts';
import { DISCOVERY_MS, startPastedPrometheus } from '../harness/pasted.ts';
import type { Scope } from '../harness/scope.ts';
import { inTurns, startRealHosts, startSimulatedHosts } from './fleet.ts';

export interface Size {
  /** Real exporters, scraped every second. */
  exporters: number;
  /** Simulated agents. */
  agents: number;
  /** How often real agents check in, in Prometheus's notation; what has to be renewed is spread over it. */
  checkInInterval: string;
  /** How often simulated ones do. */
  everyMs: number;
  /** How long one rotation may take. */
  withinMs: number;
}

export interface Figures {
  seconds: number;
  /** Scrapes of real exporters, and those that failed. */
  scrapes: number;
  failedScrapes: number;
  /** Hosts that joined, and those that could not speak to the controller at the end. */
  hosts: number;
  lostHosts: number;
  /** Check-ins of simulated agents that failed, with why. */
  failures: string[];
}

const ROLES = ['controller', 'agent', 'exporter', 'scraper', 'root'] as const;

/**
 * Rotates every authority, one after the other, the root last, while Prometheus scrapes. In the middle of each rotation a
 * tenth of the simulated agents is offline, and comes back when the rotation has been seen to wait for it.
 */
export async function demonstrate(
  scope: Scope,
  binaries: Binaries,
  size: Size,
  say: (line: string) => void,
): Promise<Figures> {
  const controller = await startLabController(scope, {
    targets: { publish_interval: '100ms', check_in_interval: size.checkInInterval },
    prometheus: { scrape_interval: '2s' },
  });
  const prometheus = await startPastedPrometheus(scope, binaries, controller);
  const began = performance.now();
  const tell = (text: string) => say(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${text}`);

  const names = await startRealHosts(scope, { controller, binaries, count: size.exporters });
  tell(`${names.length} exporters joined, each with its agent`);
  const simulated = await startSimulatedHosts(scope, { controller, count: size.agents, everyMs: size.everyMs });
  tell(`${simulated.agents.length} simulated agents joined`);
  const up = () => prometheus.query('up{host!=""} == 1');
  await eventually(
    async () => {
      if ((await up()).length < names.length) throw new Error('not all exporters are scraped yet');
    },
    { withinMs: DISCOVERY_MS },
  );
  const scrapedFrom = performance.now();
  tell(`all ${names.length} exporters are scraped every second`);

  scope.defer(() => {
    for (const [reason, count] of simulated.failures) say(`${count} check-ins failed: ${reason}`);
  });
  for (const role of ROLES) {
    const away = simulated.agents.filter((_, index) => index % 10 === 0);
    for (const agent of away) agent.online = false;
    tell(`${role}: rotation begins; ${away.length} agents are offline`);
    await post(controller, role);
    await follow(controller, { role, tell, withinMs: size.withinMs, waitsForAway });
    for (const agent of simulated.agents) agent.online = true;
    tell(`${role}: they are back`);
    await follow(controller, { role, tell, withinMs: size.withinMs, waitsForAway: undefined });
    tell(`${role}: done`);

    /** Whether nothing but the offline agents, and what waits for them, holds it up. */
    function waitsForAway({ rotations }: AuthorityList): boolean {
      const blockers = rotations.flatMap((rotation) => rotation.blockers).filter(({ kind }) => kind !== 'authority');
      return blockers.length > 0 && blockers.every(({ name }) => away.some((agent) => agent.name === name));
    }
  }

  const seconds = (performance.now() - scrapedFrom) / 1000;
  const range = `[${Math.ceil(seconds)}s]`;
  const sum = async (query: string) => (await prometheus.query(query))[0]?.value ?? 0;
  const scrapes = await sum(`sum(count_over_time(up{host!=""}${range}))`);
  const good = await sum(`sum(sum_over_time(up{host!=""}${range}))`);
  // One after the other: a thousand at once would measure the limits of the port. An agent that is cut off fails every time.
  const lost = await inTurns(simulated.agents, async (agent) => {
    const attempt = () =>
      agent.checkIn().then(
        () => true,
        () => false,
      );
    return !((await attempt()) || (await attempt()) || (await attempt()));
  });
  const hosts = await controller.hosts();
  const since = Date.now() - 30_000;
  const silent = hosts.filter(({ name, lastSeenAt }) => names.includes(name) && Date.parse(lastSeenAt) < since);
  return {
    seconds: Math.round(seconds),
    scrapes,
    failedScrapes: scrapes - good + (names.length - (await up()).length),
    hosts: hosts.length,
    lostHosts: lost.filter(Boolean).length + silent.length,
    failures: [...simulated.failures].map(([reason, count]) => `${count}: ${reason}`),
  };
}

async function post(controller: LabController, role: string): Promise<void> {
  const { status, answer } = await ask(controller, 'POST', `/api/v1/authorities/${role}/rotate`, '{}');
  if (status >= 300) throw new Error(JSON.stringify(answer));
}

interface Following {
  role: string;
  tell: (text: string) => void;
  withinMs: number;
  /** When to look away; undefined: at the end of the rotation. */
  waitsForAway: ((list: AuthorityList) => boolean) | undefined;
}

/** Tells whenever something has changed. */
async function follow(controller: LabController, { role, tell, withinMs, waitsForAway }: Following): Promise<void> {
  let told = '';
  await eventually(
    async () => {
      const { answer } = await ask(controller, 'GET', '/api/v1/authorities');
      const list = answer as AuthorityList;
      const text = summary(list);
      if (text !== told) tell(`${role}: ${text}`);
      told = text;
      const isOver = list.rotations.length === 0;
      if (!isOver && waitsForAway?.(list) !== true) throw new Error(`the rotation is not through: ${text}`);
    },
    { withinMs, everyMs: 500 },
  );
}

/** `agent retiring+active, next finish, waits for 12 hosts`. */
function summary({ authorities, rotations }: AuthorityList): string {
  const parts = rotations.map(({ role, nextStep, blockers }) => {
    const states = authorities.filter((one) => one.role === role && one.state !== 'gone').map(({ state }) => state);
    const kinds = [...new Set(blockers.map(({ kind }) => kind))];
    const waits = kinds.map((kind) => {
      const some = blockers.filter((blocker) => blocker.kind === kind);
      return kind === 'host' && some.length > 3 ? 'hosts' : some.map(({ name }) => `${kind} ${name}`).join(' and ');
    });
    const waiting = waits.length === 0 ? '' : `, waits for ${waits.join(' and ')}`;
    return `${role} ${states.join(' + ')}, next: ${nextStep}${waiting}`;
  });
  return parts.length === 0 ? 'nothing is being rotated' : parts.join('; ');
}
