import type { X509Certificate } from 'node:crypto';
import { formatHostPort, type TorchpassError } from '@torchpass/core';
import { type CheckInResponse, TargetState } from '@torchpass/protocol';
import { type Appointments, renewalDue } from '../identity/due.ts';
import type { Identity } from '../identity/store.ts';
import { aboutExporter, type Problem, problemOf, sentenceOf } from './problem.ts';

/** How one exporter stands at the end of a pass. */
export interface ExporterOutcome {
  name: string;
  state: TargetState;
  /** HOST:PORT as Prometheus has it; empty before that is decided. */
  target: string;
  /** Lower-case hex. */
  servingSerial: string | undefined;
  /** The certificate in its web configuration. */
  leaf: X509Certificate | undefined;
  /** Ours or the controller's. */
  problem: Problem | undefined;
}

/** How one pass ended. */
export interface SyncReport {
  hostName: string;
  /** HOST:PORT. */
  controller: string;
  exporters: ExporterOutcome[];
  /** Whether every exporter is locked and published. */
  complete: boolean;
  /** What is missing otherwise. */
  problems: Problem[];
  /** The same, a sentence each. */
  missing: string[];
  /** When the controller wants to hear from us again, in milliseconds. */
  comeBackMs: number;
  /** The earliest renewal. */
  due: Date;
}

const SHORTEST_MS = 1000;
const LONGEST_MS = 24 * 3_600_000;
const UNTOLD_MS = 300_000;

export function describePass(
  identity: Identity,
  exporters: ExporterOutcome[],
  nextCheckIn: CheckInResponse['nextCheckIn'],
  identityProblem: TorchpassError | undefined,
  appointments: Appointments,
): SyncReport {
  const told = nextCheckIn === undefined ? UNTOLD_MS : nextCheckIn.seconds * 1000 + nextCheckIn.nanos / 1e6;
  const leaves = [identity.pair.leaf, ...exporters.flatMap(({ leaf }) => leaf ?? [])];
  const problems = [
    ...(identityProblem === undefined ? [] : [problemOf(identityProblem)]),
    ...exporters.flatMap((exporter) => missingFrom(exporter) ?? []),
  ];
  return {
    hostName: identity.hostName,
    controller: formatHostPort(identity.controller),
    exporters,
    complete: problems.length === 0,
    problems,
    missing: problems.map(sentenceOf),
    comeBackMs: Math.min(LONGEST_MS, Math.max(SHORTEST_MS, told)),
    due: new Date(Math.min(...leaves.map((leaf) => renewalDue(leaf, appointments).getTime()))),
  };
}

function missingFrom({ name, state, problem }: ExporterOutcome): Problem | undefined {
  if (problem !== undefined) return aboutExporter(name, problem);
  if (state === TargetState.PUBLISHED) return undefined;
  return {
    what: `Exporter "${name}": the controller has not published it yet.`,
    hint: '"torchpass-agent sync" asks again.',
  };
}

export function stateName(state: TargetState): string {
  switch (state) {
    case TargetState.REFUSED:
      return 'refused';
    case TargetState.PENDING:
      return 'pending';
    case TargetState.PUBLISHED:
      return 'published';
    default:
      return 'unknown';
  }
}

/** One line an exporter, for the end of `enroll` and `sync`. */
export function outcomeLine({ name, state, target, leaf, problem }: ExporterOutcome): string {
  const until = leaf === undefined ? 'no certificate yet' : `certificate valid until ${leaf.validToDate.toISOString()}`;
  // "Published" would deny the problem, which is told after it.
  if (problem !== undefined && state === TargetState.PUBLISHED) return `Exporter "${name}": not all well, ${until}.`;
  return `Exporter "${name}": ${stateName(state)}${target === '' ? '' : ` as ${target}`}, ${until}.`;
}

/** The shape of `--output json` of `enroll` and `sync`; times are ISO 8601. */
export function reportJson({ hostName, controller, complete, missing, exporters, due }: SyncReport): unknown {
  return {
    host: hostName,
    controller,
    complete,
    missing,
    exporters: exporters.map(({ name, state, target, servingSerial, leaf, problem }) => ({
      name,
      state: stateName(state),
      target,
      serving_serial: servingSerial ?? null,
      not_after: leaf?.validToDate.toISOString() ?? null,
      problem: problem === undefined ? null : sentenceOf(problem),
    })),
    renews_at: due.toISOString(),
  };
}
