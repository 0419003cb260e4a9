import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { ROLES, type Authorities } from './issuance/authorities.ts';
import { countHosts, countTargets, earliestExporterEnd } from './store/counts.ts';
import type { Store } from './store/store.ts';
import type { Publisher } from './targets/publisher.ts';
import { VERSION } from './version.ts';

interface Sources {
  store: Store;
  authorities: Authorities;
  publisher: Publisher;
  connections: () => number;
}

/** One sample: its labels and its value. */
type Sample = [labels: Record<string, string>, value: number];

/** A gauge that is read from the state whenever somebody asks. */
interface Reading {
  name: string;
  help: string;
  labels?: readonly string[];
  read: () => Sample[] | Promise<Sample[]>;
}

/** Gauges of the runtime that are named like counters; "promtool check metrics" objects. The same without `_total` stay. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** The controller's own metrics; docs/metrics.md describes each, a test compares the two. */
export function createMetrics(sources: Sources) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  for (const reading of readings(sources)) registry.registerMetric(gauge(reading));
  const calls = new Counter({
    name: 'torchpass_rpc_total',
    help: 'Calls of agents, by method and result code.',
    labelNames: ['method', 'code'],
    registers: [registry],
  });
  return { registry, observe: (method: string, code: string) => calls.inc({ method, code }) };
}

function readings({ store, authorities, publisher, connections }: Sources): Reading[] {
  const byState = (counts: object): Sample[] =>
    Object.entries(counts).map(([state, count]) => [{ state }, Number(count)]);
  return [
    {
      name: 'torchpass_build_info',
      help: 'Always 1; the version is in the label.',
      labels: ['version'],
      read: () => [[{ version: VERSION }, 1]],
    },
    {
      name: 'torchpass_authority_not_after_timestamp_seconds',
      help: 'When the active authority of a role ends.',
      labels: ['role'],
      read: () => ROLES.map((role) => [{ role }, authorities.active(role).notAfter.getTime() / 1000]),
    },
    {
      name: 'torchpass_hosts',
      help: 'Hosts, by state.',
      labels: ['state'],
      read: async () => byState(await countHosts(store)),
    },
    {
      name: 'torchpass_targets',
      help: 'Targets of active hosts, by state.',
      labels: ['state'],
      read: async () => byState(await countTargets(store)),
    },
    {
      name: 'torchpass_exporter_earliest_not_after_timestamp_seconds',
      help: 'The earliest end among the certificates that published exporters were last seen with.',
      read: async () => {
        const end = await earliestExporterEnd(store);
        return end === undefined ? [] : [[{}, end.getTime() / 1000]];
      },
    },
    {
      name: 'torchpass_publish_failed',
      help: "1 while Prometheus's target files are not up to date.",
      read: () => [[{}, publisher.problem() === undefined ? 0 : 1]],
    },
    {
      name: 'torchpass_public_connections',
      help: 'Open connections to the public port.',
      read: () => [[{}, connections()]],
    },
  ];
}

function gauge({ name, help, labels = [], read }: Reading): Gauge {
  return new Gauge({
    name,
    help,
    labelNames: labels,
    registers: [],
    async collect() {
      this.reset();
      for (const [values, value] of await read()) this.set(values, value);
    },
  });
}
