import type { Clock } from '@torchpass/core';
import { EMPTY, readHead } from './audit/chain.ts';
import { REFUSAL_EVENTS, type AuditEvent } from './audit/events.ts';
import type { Verification } from './audit/keeper.ts';
import type { Role } from '@torchpass/pki';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { METHOD_POLICIES } from './grpc/methods.ts';
import { DROP_REASONS, type DropReason } from './grpc/public-port.ts';
import { ROLES, type Authorities } from './issuance/authorities.ts';
import {
  countHosts,
  countIssued,
  countOverdueExporters,
  countTargets,
  earliestExporterEnd,
  ownCertificateEnds,
} from './store/counts.ts';
import type { Lane, Lanes } from './limits/lanes.ts';
import { revocationReadings } from './revocation/readings.ts';
import { RULES, type Rule } from './policy/request.ts';
import type { Store } from './store/store.ts';
import type { LookFromOutside } from './targets/closed-loop.ts';
import type { Publisher } from './targets/publisher.ts';
import { UPKEEP, type Upkeep } from './upkeep.ts';
import { VERSION } from './version.ts';

interface Sources {
  store: Store;
  authorities: Authorities;
  publisher: Publisher;
  connections: () => number;
  signing: Lanes;
  /** Undefined where there is no port. */
  handshakes: Lanes | undefined;
  /** Of the audit log. */
  verification: () => Verification | undefined;
  /** How many each rotation that is under way waits for. */
  waiting: () => Promise<Map<string, number>>;
  clock: Clock;
}

/** One sample: its labels and its value. */
export type Sample = [labels: Record<string, string>, value: number];

/** A metric that is read from the state whenever somebody asks. */
export interface Reading {
  name: string;
  help: string;
  type?: 'gauge' | 'counter';
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
  for (const reading of readings(sources)) registry.registerMetric(metric(reading));
  const registers = [registry];
  const calls = new Counter({
    name: 'torchpass_rpc_total',
    help: 'Calls to the public port, by method and result code.',
    labelNames: ['method', 'code'],
    registers,
  });
  const dropped = new Counter({
    name: 'torchpass_dropped_connections_total',
    help: 'Connections to the public port that were cut off, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const failedProbes = new Counter({
    name: 'torchpass_probe_failures_total',
    help: 'Looks from outside that did not find an exporter as it should be.',
    registers,
  });
  const refusals = new Counter({
    name: 'torchpass_refusals_total',
    help: 'Refusals of callers and operators, by event of the audit log.',
    labelNames: ['event'],
    registers,
  });
  const policyRefusals = new Counter({
    name: 'torchpass_policy_refusals_total',
    help: 'Requests of hosts and operators that the policy or a token did not allow, by rule.',
    labelNames: ['rule'],
    registers,
  });
  const upkeep = new Gauge({
    name: 'torchpass_upkeep_failed',
    help: '1 while something of the installation itself cannot be kept fresh.',
    labelNames: ['what'],
    registers,
  });
  // From the start, so that the first of each is an increase.
  for (const method of Object.keys(METHOD_POLICIES))
    for (const code of ['OK', 'INTERNAL']) calls.inc({ method, code }, 0);
  for (const rule of RULES) policyRefusals.inc({ rule }, 0);
  for (const reason of DROP_REASONS) dropped.inc({ reason }, 0);
  for (const event of REFUSAL_EVENTS) refusals.inc({ event }, 0);
  for (const what of UPKEEP) upkeep.set({ what }, 0);

  return {
    registry,
    /** How a call ended. */
    observe: (method: string, code: string) => calls.inc({ method, code }),
    dropped: (reason: DropReason) => dropped.inc({ reason }),
    refused: (event: AuditEvent) => refusals.inc({ event }),
    policyRefused: (rule: Rule) => policyRefusals.inc({ rule }),
    upkeep: (what: Upkeep, failed: boolean) => upkeep.set({ what }, failed ? 1 : 0),
    /** The same look from outside, counted when it finds something wrong. */
    countingProbes:
      (look: LookFromOutside): LookFromOutside =>
      async (wanted, signal) => {
        const problem = await look(wanted, signal);
        if (problem !== undefined && signal?.aborted !== true) failedProbes.inc();
        return problem;
      },
  };
}

/** The certificates of the installation itself. Prometheus's own interface has one like an exporter's. */
const OWN: readonly [name: string, role: Role][] = [
  ['controller', 'controller'],
  ['scraper', 'scraper'],
  ['web', 'exporter'],
];

function readings({
  store,
  authorities,
  publisher,
  connections,
  signing,
  handshakes,
  verification,
  clock,
  waiting,
}: Sources): Reading[] {
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
      name: 'torchpass_rotation_blockers',
      help: 'Hosts, join tokens and others that the rotation of an authority waits for.',
      labels: ['role'],
      read: async () => {
        const counts = await waiting();
        return ['root', ...ROLES].map((role): Sample => [{ role }, counts.get(role) ?? 0]);
      },
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
      name: 'torchpass_exporters_overdue',
      help: 'Published exporters whose certificate, as last seen, has less than a twentieth of its life left.',
      read: async () => [[{}, await countOverdueExporters(store, clock.now())]],
    },
    {
      name: 'torchpass_certificate_not_after_timestamp_seconds',
      help: 'When the newest certificate of the installation itself ends.',
      labels: ['role'],
      read: async () => {
        const ends = await ownCertificateEnds(store);
        return OWN.flatMap(([name, role]): Sample[] => {
          const end = ends.get(role);
          return end === undefined ? [] : [[{ role: name }, end.getTime() / 1000]];
        });
      },
    },
    {
      name: 'torchpass_certificates_issued_total',
      help: 'Certificates that were ever issued, by role.',
      type: 'counter',
      labels: ['role'],
      read: async () => {
        const counts = await countIssued(store);
        return ROLES.map((role) => [{ role }, counts.get(role) ?? 0]);
      },
    },
    ...revocationReadings({ store, authorities }),
    {
      name: 'torchpass_publish_failed',
      help: "1 while Prometheus's target files are not up to date.",
      read: () => [[{}, publisher.problem() === undefined ? 0 : 1]],
    },
    {
      name: 'torchpass_audit_entries',
      help: 'Entries of the audit log that are stored.',
      read: async () => {
        const { number, pruned_number } = (await readHead(store)) ?? EMPTY;
        return [[{}, number - pruned_number]];
      },
    },
    {
      name: 'torchpass_audit_verified_timestamp_seconds',
      help: 'When the audit log was verified last.',
      read: () => {
        const last = verification();
        return last === undefined ? [] : [[{}, last.at.getTime() / 1000]];
      },
    },
    {
      name: 'torchpass_audit_broken',
      help: '1 when the audit log did not verify.',
      read: () => [[{}, verification()?.sound === false ? 1 : 0]],
    },
    {
      name: 'torchpass_public_connections',
      help: 'Open connections to the public port.',
      read: () => [[{}, connections()]],
    },
    {
      name: 'torchpass_work',
      help: 'TLS handshakes and signings under way and waiting, of hosts and of strangers.',
      labels: ['kind', 'lane', 'state'],
      read: () => [...samplesOf('handshake', handshakes), ...samplesOf('signing', signing)],
    },
  ];
}

function samplesOf(kind: string, lanes: Lanes | undefined): Sample[] {
  return (['host', 'stranger'] satisfies Lane[]).flatMap((lane): Sample[] => [
    [{ kind, lane, state: 'running' }, lanes?.running(lane) ?? 0],
    [{ kind, lane, state: 'waiting' }, lanes?.waiting(lane) ?? 0],
  ]);
}

function metric({ name, help, type = 'gauge', labels = [], read }: Reading): Gauge | Counter {
  const common = { name, help, labelNames: labels, registers: [] };
  if (type === 'gauge') {
    return new Gauge({
      ...common,
      async collect() {
        const samples = await read();
        this.reset();
        for (const [values, value] of samples) this.set(values, value);
      },
    });
  }
  return new Counter({
    ...common,
    async collect() {
      const samples = await read();
      this.reset();
      for (const [values, value] of samples) this.inc(values, value);
    },
  });
}
