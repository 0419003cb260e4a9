import { canonicalIp, formatHostPort, isName, isTorchpassError, TorchpassError } from '@torchpass/core';
import type { ExporterReport } from '@torchpass/protocol';
import type { HostTable } from '../store/schema.ts';
import { decideResolving } from '../policy/decide-resolving.ts';
import { firstRefusal } from '../policy/decide.ts';
import type { Policy } from '../policy/policy.ts';
import type { Step } from '../policy/request.ts';
import { refusal } from '../policy/step.ts';
import { checkClaimableAddress, type Resolve } from '../targets/address-policy.ts';
import { requestOf, whereItIs } from './facts.ts';

/** What an exporter of a host should be: decided at each check-in, never taken from the agent. */
export interface DesiredExporter {
  name: string;
  job: string;
  port: number;
  metricsPath: string;
  dnsNames: string[];
  ipAddresses: string[];
  /** HOST:PORT; null when refused. */
  target: string | null;
  /** IP address to dial for the look from outside; null when refused or not resolved. */
  connectTo: string | null;
  /** Why it is refused. */
  problem: string | null;
  /** The rule that refuses it, where it is one of policy or token. */
  refused: Step | null;
  /** That its name does not resolve at the moment: decided by the token, but neither seen nor certified now. */
  unresolved: string | null;
  /** What the agent says is wrong, for the operator's eyes. */
  reportedProblem: string | null;
}

const LONGEST_PATH = 200;
const LONGEST_PROBLEM = 500;
/** No `?`, `#` or `%`: Prometheus escapes them, so it would ask for another path than we looked at. */
const METRICS_PATH = new RegExp(`^/[\\x21\\x22\\x24\\x26-\\x3e\\x40-\\x7e]{0,${LONGEST_PATH - 1}}$`);

/** What an exporter is that a rule of policy or token refuses. */
export function refusedBy(step: Step) {
  const nothing = { dnsNames: [], ipAddresses: [], target: null, connectTo: null, unresolved: null };
  return { ...nothing, problem: refusal(step).sentence, refused: step };
}

export interface Facts {
  host: HostTable;
  /** Where the host is: see `addressesOf`. */
  from: readonly [string, ...string[]];
  /** HOST:PORT that the exporter has now; null when none. */
  current: string | null;
  policy: Policy;
  resolve: Resolve;
}

/** Applies token and policy to what the agent reports. Never throws for what an agent can say: it is refused instead. */
export async function decideExporter(report: ExporterReport, facts: Facts): Promise<DesiredExporter> {
  const { host, from } = facts;
  const job = host.job ?? (report.job === '' ? report.name : report.job);
  const base = {
    name: report.name,
    job,
    port: report.port,
    // Refused below when it is too long; kept, so that the operator sees it, but not at any length.
    reportedProblem: report.problem === '' ? null : report.problem.slice(0, LONGEST_PROBLEM),
    metricsPath: report.metricsPath === '' ? '/metrics' : report.metricsPath.slice(0, LONGEST_PATH + 1),
    refused: null,
  };
  try {
    checkReport(report, base);
    const address = report.address === '' ? whereItIs(from, facts.current) : checkClaimableAddress(report.address);
    const request = {
      ...requestOf(host, from),
      exporter: report.name,
      // What the agent says, where it says something: a token that decides the job refuses another.
      job: report.job === '' ? job : report.job,
      address,
    };
    const { decision, connectTo, unresolved } = await decideResolving(facts.policy, request, facts.resolve);
    const refused = firstRefusal(decision);
    if (refused !== undefined) return { ...base, ...refusedBy(refused) };
    const isDns = canonicalIp(address) === undefined;
    return {
      ...base,
      dnsNames: isDns ? [address] : [],
      ipAddresses: isDns ? [] : [address],
      target: formatHostPort({ host: address, port: report.port }),
      connectTo,
      problem: null,
      unresolved,
    };
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    const nothing = { dnsNames: [], ipAddresses: [], target: null, connectTo: null, unresolved: null };
    return { ...base, ...nothing, problem: error.sentence };
  }
}

/** What has a form that nothing may have, whatever the policy. */
function checkReport(report: ExporterReport, { job, metricsPath }: { job: string; metricsPath: string }): void {
  if (!isName(report.name))
    throw refused('Its name is not one (lower-case letters, digits, dots, dashes, underscores)');
  if (report.port < 1 || report.port > 65_535) throw refused(`${report.port} is not a TCP port`);
  if (!METRICS_PATH.test(metricsPath))
    throw refused('Its metrics path has to begin with "/" and hold no spaces and none of ? # %');
  const jobs = report.job === '' ? [job] : [job, report.job];
  if (!jobs.every(isName))
    throw refused('Its job is not a name (lower-case letters, digits, dots, dashes, underscores)');
}

function refused(why: string): TorchpassError {
  return new TorchpassError('EXPORTER_REFUSED', `${why}.`);
}
