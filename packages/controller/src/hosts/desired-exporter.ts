import { canonicalIp, formatHostPort, isName, isTorchpassError, TorchpassError } from '@torchpass/core';
import type { ExporterReport } from '@torchpass/protocol';
import { listFrom } from '../store/json.ts';
import type { HostTable } from '../store/schema.ts';
import {
  checkClaimableAddress,
  vetAddress,
  type AddressPolicy,
  type Resolve,
  type VettedAddress,
} from '../targets/address-policy.ts';

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
  /** That its name does not resolve at the moment: decided by the token, but neither seen nor certified now. */
  unresolved: string | null;
  /** What the agent says is wrong, for the operator's eyes. */
  reportedProblem: string | null;
}

const LONGEST_PATH = 200;
const LONGEST_PROBLEM = 500;
/** No `?`, `#` or `%`: Prometheus escapes them, so it would ask for another path than we looked at. */
const METRICS_PATH = new RegExp(`^/[\\x21\\x22\\x24\\x26-\\x3e\\x40-\\x7e]{0,${LONGEST_PATH - 1}}$`);

/** Applies token and policy to what the agent reports. Never throws for what an agent can say: it is refused instead. */
export async function decideExporter(
  report: ExporterReport,
  host: HostTable,
  observedAddress: string,
  policy: AddressPolicy,
  resolve: Resolve,
): Promise<DesiredExporter> {
  const base = {
    name: report.name,
    job: host.job ?? (report.job === '' ? report.name : report.job),
    port: report.port,
    // Refused below when it is too long; kept, so that the operator sees it, but not at any length.
    reportedProblem: report.problem === '' ? null : report.problem.slice(0, LONGEST_PROBLEM),
    metricsPath: report.metricsPath === '' ? '/metrics' : report.metricsPath.slice(0, LONGEST_PATH + 1),
  };
  try {
    checkReport(report, host, base);
    const claim = claimedAddress(report.address, host, observedAddress);
    const isDns = canonicalIp(claim) === undefined;
    const decided = {
      ...base,
      dnsNames: isDns ? [claim] : [],
      ipAddresses: isDns ? [] : [claim],
      target: formatHostPort({ host: claim, port: report.port }),
      problem: null,
    };
    try {
      const { connectTo } = await vetAddress(claim, policy, resolve);
      return { ...decided, connectTo, unresolved: null };
    } catch (error) {
      if (!isTorchpassError(error, 'ADDRESS_UNRESOLVED')) throw error;
      return { ...decided, connectTo: null, unresolved: error.sentence };
    }
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    const nothing = { dnsNames: [], ipAddresses: [], target: null, connectTo: null, unresolved: null };
    return { ...base, ...nothing, problem: error.sentence };
  }
}

function checkReport(
  report: ExporterReport,
  host: HostTable,
  { job, metricsPath }: { job: string; metricsPath: string },
): void {
  const allowed = listFrom(host.exporters);
  if (!isName(report.name))
    throw refused('Its name is not one (lower-case letters, digits, dots, dashes, underscores)');
  if (allowed.length > 0 && !allowed.includes(report.name))
    throw refused(`The join token allows only ${allowed.join(', ')}`);
  if (report.port < 1 || report.port > 65_535) throw refused(`${report.port} is not a TCP port`);
  if (!METRICS_PATH.test(metricsPath))
    throw refused('Its metrics path has to begin with "/" and hold no spaces and none of ? # %');
  if (!isName(job)) throw refused('Its job is not a name (lower-case letters, digits, dots, dashes, underscores)');
  if (report.job !== '' && report.job !== job) throw refused(`Its job is "${job}", decided by the join token`);
}

export interface ClaimContext {
  host: HostTable;
  /** Where the agent connects from. */
  observedAddress: string;
  policy: AddressPolicy;
  resolve: Resolve;
}

/** Decides whether a host may have an address, at each check-in and again for each certificate. `ADDRESS_REFUSED`. */
export function vetClaim(
  claim: string,
  { host, observedAddress, policy, resolve }: ClaimContext,
): Promise<VettedAddress> {
  return vetAddress(claimedAddress(claim, host, observedAddress), policy, resolve);
}

/** The address the agent connects from, unless the token names another. */
function claimedAddress(claim: string, host: HostTable, observed: string): string {
  if (claim === '') return observed;
  const address = checkClaimableAddress(claim);
  if (address === observed || listFrom(host.addresses).includes(address)) return address;
  throw new TorchpassError(
    'ADDRESS_REFUSED',
    `The host connects from ${observed}, and its join token does not allow ${address}.`,
    {
      hint: `Make a token with --address ${address}, or leave "advertise" out.`,
    },
  );
}

function refused(why: string): TorchpassError {
  return new TorchpassError('EXPORTER_REFUSED', `${why}.`);
}
