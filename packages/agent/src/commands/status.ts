import { formatHostPort, isTorchpassError, type TorchpassError } from '@torchpass/core';
import { describeCertificate } from '@torchpass/pki';
import type { ExporterSettings } from '../config/settings.ts';
import { readGenerations } from '../exporters/generation.ts';
import { prove, stands } from '../exporters/prove.ts';
import { readInstalled } from '../exporters/web-config.ts';
import type { CertificatePair } from '../identity/certificate-pair.ts';
import { type Appointments, renewalDue, serialOf } from '../identity/due.ts';
import { requireIdentity } from '../identity/store.ts';
import { readAppointments } from '../storage/appointments.ts';
import { holderOf } from '../storage/lock.ts';
import { type LastPass, readLastPass } from '../storage/status-cache.ts';
import { sentenceOf } from './problem.ts';
import type { Seams } from './seams.ts';
import { findProblems } from './status-problems.ts';

/** Times are ISO 8601. The shape of `status --output json`. */
export interface CertificateStatus {
  serial: string;
  not_before: string;
  not_after: string;
  renews_at: string;
}

export interface ExporterStatus {
  name: string;
  web_config: string;
  certificate: (CertificateStatus & { names: string[] }) | null;
  /** What a probe saw just now. */
  serving: { serial: string | null; locked: boolean; problem: string | null } | null;
  /** What the controller said at the last check-in, and when that was. */
  target: { state: string; address: string; problem: string | null; at: string } | null;
  problem: string | null;
}

export interface AgentStatus {
  host: string;
  controller: string;
  trust_domain: string;
  identity: CertificateStatus;
  exporters: ExporterStatus[];
  last_pass: { at: string; problem: string | null } | null;
  /** The process of "torchpass-agent run", when there is one. */
  resident: { pid: number } | null;
  /** When that one checks in again; null without it. */
  next_pass_by: string | null;
  /** How many passes failed in a row; the pauses between attempts grow, and shrink near the end of a certificate. */
  failures: number;
  /** When the next attempt is due: by the resident agent, or by "sync --if-due" from a timer. */
  next_attempt_at: string | null;
  /** Nothing is wrong. */
  healthy: boolean;
  /** What is, and what to do about it. */
  problems: { what: string; hint: string | null }[];
}

/** What is installed, until when, and what it does now. Changes nothing. Errors: NOT_ENROLLED, IDENTITY_BROKEN. */
export async function readStatus(seams: Seams, signal?: AbortSignal): Promise<AgentStatus> {
  const { layout, files, settings } = seams;
  const identity = await requireIdentity(layout, files);
  const last = await readLastPass(layout, files);
  const appointments = await readAppointments(layout, files);
  const residentPid = await holderOf(layout.runLock, seams);
  const seen = {
    host: identity.hostName,
    controller: formatHostPort(settings.controller ?? identity.controller),
    trust_domain: identity.trustDomain,
    identity: certificateStatus(identity.pair, appointments),
    exporters: await Promise.all(
      settings.exporters.map((exporter) =>
        exporterStatus(exporter, identity.pair, { last, appointments }, seams, signal),
      ),
    ),
    last_pass: last === undefined ? null : { at: last.at, problem: last.problems.map(sentenceOf)[0] ?? null },
    resident: residentPid === undefined ? null : { pid: residentPid },
    failures: last?.failures ?? 0,
    next_attempt_at: last?.nextAt ?? null,
    next_pass_by: residentPid === undefined ? null : (last?.nextAt ?? null),
  };
  const problems = findProblems(seen, last?.problems ?? [], seams.clock.now());
  return {
    ...seen,
    healthy: problems.length === 0,
    problems: problems.map(({ what, hint }) => ({ what, hint: hint ?? null })),
  };
}

async function exporterStatus(
  exporter: ExporterSettings,
  identity: CertificatePair,
  { last, appointments }: { last: LastPass | undefined; appointments: Appointments },
  { layout, files }: Seams,
  signal: AbortSignal | undefined,
): Promise<ExporterStatus> {
  const noted = last?.checkIn?.exporters.find(({ name }) => name === exporter.name);
  let problem: TorchpassError | undefined;
  const installed = await readInstalled(exporter.webConfig, exporter.name, files).catch((error: unknown) => {
    if (!isTorchpassError(error)) throw error;
    problem = error;
    return undefined;
  });
  const generations = await readGenerations(layout.exporter(exporter.name), files);
  const current = generations.find(({ folder }) => folder === installed?.generation);
  const proof = current === undefined ? undefined : await prove(exporter, current, identity, signal);
  const names = current === undefined ? undefined : describeCertificate(current.leaf.raw);
  return {
    name: exporter.name,
    web_config: exporter.webConfig,
    certificate:
      current === undefined || names === undefined
        ? null
        : { ...certificateStatus(current, appointments), names: [...names.dnsNames, ...names.ipAddresses] },
    serving:
      proof === undefined
        ? null
        : { serial: proof.servedSerial ?? null, locked: stands(proof), problem: proof.problem ?? null },
    target:
      noted === undefined
        ? null
        : {
            state: noted.state,
            address: noted.target,
            problem: noted.problem === '' ? null : noted.problem,
            at: last?.checkIn?.at ?? '',
          },
    problem: problem?.sentence ?? null,
  };
}

function certificateStatus(pair: CertificatePair, appointments: Appointments): CertificateStatus {
  return {
    serial: serialOf(pair.leaf),
    not_before: pair.leaf.validFromDate.toISOString(),
    not_after: pair.leaf.validToDate.toISOString(),
    renews_at: renewalDue(pair.leaf, appointments).toISOString(),
  };
}
