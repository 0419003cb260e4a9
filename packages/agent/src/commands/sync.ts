import { isTorchpassError, TorchpassError } from '@torchpass/core';
import { certificatesDigest, certificatesFromPem } from '@torchpass/pki';
import type { CheckInResponse, DesiredExporter, ExporterReport } from '@torchpass/protocol';
import type { LockedDown } from '../exporters/lock-down.ts';
import { pruneGenerations } from '../exporters/prune.ts';
import { makeReport, reportOf, type Survey, survey } from '../exporters/survey.ts';
import { type Appointments, serialOf } from '../identity/due.ts';
import { requireIdentity } from '../identity/store.ts';
import { readAppointments } from '../storage/appointments.ts';
import { appointmentsIn } from './appointments.ts';
import { warnAboutClock } from './clock-skew.ts';
import { hold } from './hold.ts';
import { keepIdentity } from './keep-identity.ts';
import { type Problem, problemOf } from './problem.ts';
import { remember, rememberAppointments } from './remember.ts';
import { describePass, type ExporterOutcome, type SyncReport } from './report.ts';
import type { Seams } from './seams.ts';
import { explainRejection, openSession, type Session } from './session.ts';
import { settle } from './settle.ts';

export interface SyncOptions {
  /** Renew everything, whatever its age. */
  renew?: boolean | undefined;
  /** The user restarted by hand the exporters that we cannot restart. */
  restarted?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * One pass: compares what is with what should be and closes the difference. Whatever it starts from, also what a crash
 * left behind, it ends the same; the next pass finds nothing to do. The caller holds the lock.
 *
 * Errors: NOT_ENROLLED, IDENTITY_BROKEN, IDENTITY_REJECTED, CONTROLLER_UNREACHABLE and other failures of the whole pass. What
 * goes wrong with one exporter is in the report.
 */
export async function syncPass(seams: Seams, options: SyncOptions = {}): Promise<SyncReport> {
  const identity = await requireIdentity(seams.layout, seams.files);
  const session = openSession(identity, seams, options.signal);
  try {
    const report = await pass(session, seams, options);
    await remember(seams, report);
    return report;
  } catch (error) {
    const problem = explainRejection(error, session.identity, seams.clock.now());
    if (isTorchpassError(problem)) {
      await hold(session.identity, seams, options.signal);
      await remember(seams, { problems: [problemOf(problem)], exporters: undefined, comeBackMs: undefined });
    }
    throw problem;
  } finally {
    session.close();
  }
}

async function pass(
  session: Session,
  seams: Seams,
  { renew = false, restarted = false, signal }: SyncOptions,
): Promise<SyncReport> {
  const { settings, layout, files, say } = seams;
  const { pair } = session.identity;
  let appointments = await readAppointments(layout, files);
  let identityProblem = await keepIdentity(session, seams, { renew, appointments });

  const found = await Promise.all(
    settings.exporters.map((exporter) => survey(exporter, layout, session.identity.pair, files, signal)),
  );
  const before = found.map(reportOf);
  const trusted = session.identity.rootsPem;
  let answer = await checkIn(session, seams, before);
  appointments = appointmentsOf(answer, session, before, seams);
  warnAboutClock(answer.serverTime, seams);
  const bundle = await session.adopt(answer.trust);
  // Once a pass: what was renewed above is new enough.
  if (session.identity.pair === pair && (identityProblem === undefined || answer.renewIdentity)) {
    identityProblem = await keepIdentity(session, seams, { renew: answer.renewIdentity, appointments });
  }

  const left: { survey: Survey; end: LockedDown }[] = [];
  for (const survey of found) {
    const desired = desiredFor(survey.exporter.name, answer);
    left.push({
      survey,
      end: await settle(survey, desired, bundle, session, seams, { renew, restarted, appointments, signal }),
    });
  }

  const after = left.map(({ survey, end }) => makeReport(survey.exporter, end, end.problem?.message));
  const newRoots = session.identity.rootsPem !== trusted;
  if (newRoots || !sameReports(before, after)) {
    say(
      newRoots
        ? 'Telling the controller that its trust has arrived …'
        : 'Telling the controller, and waiting for its look from outside …',
    );
    answer = await checkIn(session, seams, after);
    appointments = appointmentsOf(answer, session, after, seams);
  }
  for (const { survey, end } of left) await pruneGenerations(survey.place, end.generation?.serial, seams);

  const outcomes = left.map(({ survey, end }) => outcomeOf(end, desiredFor(survey.exporter.name, answer)));
  await rememberAppointments(seams, appointments);
  return describePass(session.identity, outcomes, answer.nextCheckIn, identityProblem, appointments);
}

function checkIn(session: Session, { version }: Seams, exporters: ExporterReport[]): Promise<CheckInResponse> {
  const rootsDigest = certificatesDigest(certificatesFromPem(session.identity.rootsPem));
  return session.controller.checkIn({ agentVersion: version, rootsDigest, exporters });
}

function appointmentsOf(
  answer: CheckInResponse,
  { identity }: Session,
  reports: readonly ExporterReport[],
  { clock }: Seams,
): Appointments {
  return appointmentsIn(answer, { identity: serialOf(identity.pair.leaf), reports, now: clock.now() });
}

function desiredFor(name: string, answer: CheckInResponse): DesiredExporter {
  const desired = answer.exporters.find((exporter) => exporter.name === name);
  if (desired !== undefined) return desired;
  throw new TorchpassError('PROTOCOL_VIOLATION', `The controller's answer leaves out the exporter "${name}".`);
}

function outcomeOf({ generation, servingSerial, problem }: LockedDown, desired: DesiredExporter): ExporterOutcome {
  return {
    name: desired.name,
    state: desired.state,
    target: desired.target,
    servingSerial,
    leaf: generation?.leaf,
    problem: problem !== undefined ? problemOf(problem) : told(desired),
  };
}

function told({ problem }: DesiredExporter): Problem | undefined {
  return problem === '' ? undefined : { what: problem };
}

/** A controller that knows it already does not have to look again. */
function sameReports(a: readonly ExporterReport[], b: readonly ExporterReport[]): boolean {
  return a.every((report, index) => {
    const other = b[index];
    return (
      other !== undefined &&
      report.problem === other.problem &&
      report.servingSerial.equals(other.servingSerial) &&
      report.scrapersDigest.equals(other.scrapersDigest) &&
      report.restartGeneration === other.restartGeneration
    );
  });
}
