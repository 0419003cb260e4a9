import type { Clock, Files, Logger, TorchpassError } from '@torchpass/core';
import type { MatrixResult } from '@torchpass/prometheus';
import type { ExporterSettings } from '../config/settings.ts';
import type { CertificatePair } from '../identity/certificate-pair.ts';
import type { LearnCapabilities } from './canary.ts';
import { capabilitiesOf } from './capabilities.ts';
import { chooseGeneration } from './choose.ts';
import type { Generation } from './generation.ts';
import { prove, proveWithin, stands } from './prove.ts';
import { noteStart } from './last-start.ts';
import { notLocked } from './not-locked.ts';
import { restartSafely } from './restart-safely.ts';
import { startAnew } from './start-anew.ts';
import { servedSerial, type Survey } from './survey.ts';
import type { Wanted } from './wanted.ts';
import { install, webConfigFor } from './web-config.ts';

export interface LockDownSeams {
  clock: Clock;
  files: Files;
  logger: Logger;
  say: (sentence: string) => void;
  learnCapabilities: LearnCapabilities;
  identity: CertificatePair;
  /** Asks the controller for a certificate and puts it on disk as a generation. */
  issue: () => Promise<Generation>;
  signal: AbortSignal | undefined;
}

/** How one exporter was left. */
export interface LockedDown {
  /** In the web configuration. */
  generation: Generation | undefined;
  /** Lower-case hex. */
  servingSerial: string | undefined;
  /** The restart generation for which it was last started. */
  startedFor: number;
  problem: TorchpassError | undefined;
}

/**
 * Closes the difference between what is and what should be for one exporter: a certificate, a generation, the web
 * configuration, and an exporter that was seen to use it. Does nothing when there is no difference.
 */
export async function lockDown(survey: Survey, wanted: Wanted, seams: LockDownSeams): Promise<LockedDown> {
  const { exporter, installed, current, place, startedFor } = survey;
  if (survey.obstacle !== undefined) throw survey.obstacle;

  const generation = chooseGeneration(survey, wanted, seams.clock.now()) ?? (await seams.issue());
  const { flag, allowedSans } = await capabilitiesOf(exporter, place, generation, seams.learnCapabilities, seams.files);
  const text = webConfigFor(generation, allowedSans && wanted.scraperIds.length > 0 ? wanted.scraperIds : undefined);
  const changed = text !== installed?.text;
  // The pending key goes last: while it is there, the exporter was never seen to use what the files say.
  const begun = changed || (await seams.files.read(place.nextKey)) !== undefined;

  if (!begun && survey.proof !== undefined && stands(survey.proof)) {
    const left = { generation, servingSerial: survey.proof.servedSerial, startedFor, problem: undefined };
    return startAnew(left, survey, wanted, seams);
  }
  if (changed) await install(exporter.webConfig, text, exporter.owner, seams.files);
  const { proof, restarted, started, failure } = await bringUp(exporter, generation, begun, seams);
  if (stands(proof)) {
    await seams.files.remove(place.nextKey);
    const left = { generation, servingSerial: proof.servedSerial, startedFor, problem: undefined };
    if (!started || startedFor >= wanted.restartGeneration) return startAnew(left, survey, wanted, seams);
    await noteStart(place, wanted.restartGeneration, seams.files);
    return { ...left, startedFor: wanted.restartGeneration };
  }
  const problem = failure ?? notLocked(exporter, proof, flag);

  // Back to what worked, if something did. Otherwise the new web configuration stays, also when it is the first: an exporter
  // that starts with it demands client certificates. Removing it would gain nothing, and where a service falls
  // back to its defaults without it, the exporter would start open to everybody.
  // And never back to admitting a scraper whose key was given up: rather nobody is admitted.
  const mayGoBack = startedFor >= wanted.restartGeneration || current?.clientCa === wanted.clientCa;
  const worked = survey.proof !== undefined && stands(survey.proof);
  if (changed && worked && mayGoBack && installed !== undefined) {
    await install(exporter.webConfig, installed.text, exporter.owner, seams.files);
    const before = await comeBack(exporter, current ?? generation, restarted, seams);
    seams.say(`Exporter "${exporter.name}": the new certificate did not work, back to the one before.`);
    return { generation: current, servingSerial: before.servedSerial, startedFor, problem };
  }
  return { generation, servingSerial: servedSerial(proof, begun ? undefined : generation), startedFor, problem };
}

interface BroughtUp {
  proof: MatrixResult;
  /** By us. */
  restarted: boolean;
  /** By us, or it came up by itself: whoever answers began after the web configuration was in place. */
  started: boolean;
  /** Of the restart. */
  failure: TorchpassError | undefined;
}

/**
 * Makes the exporter use what its web configuration says. It reads its files again at each handshake, so most often there
 * is nothing to do. It is restarted only when it is seen not to use them, and when it is just stopped only as part
 * of a change: somebody may have stopped it on purpose.
 */
async function bringUp(
  exporter: ExporterSettings,
  generation: Generation,
  begun: boolean,
  seams: LockDownSeams,
): Promise<BroughtUp> {
  const attempt = () => prove(exporter, generation, seams.identity, seams.signal);
  const first = await attempt();
  if (stands(first) || (!first.reachable && !begun))
    return { proof: first, restarted: false, started: false, failure: undefined };
  let failure: TorchpassError | undefined;
  if (exporter.restart === undefined) {
    seams.say(`Exporter "${exporter.name}": waiting until it uses ${exporter.webConfig} …`);
  } else {
    seams.say(`Exporter "${exporter.name}": restarting it …`);
    failure = await restartSafely(exporter, exporter.restart, seams);
  }
  const proof = await proveWithin(exporter.patienceMs, attempt, seams.clock, seams.signal);
  const restarted = exporter.restart !== undefined;
  return { proof, restarted, started: (restarted && failure === undefined) || !first.reachable, failure };
}

/** After going back: an exporter that did not survive the new configuration has to be started again. */
async function comeBack(
  exporter: ExporterSettings,
  generation: Generation,
  restarted: boolean,
  seams: LockDownSeams,
): Promise<MatrixResult> {
  const attempt = () => prove(exporter, generation, seams.identity, seams.signal);
  const proof = await attempt();
  if (stands(proof) || !restarted || exporter.restart === undefined) return proof;
  await restartSafely(exporter, exporter.restart, seams);
  return proveWithin(exporter.patienceMs, attempt, seams.clock, seams.signal);
}
