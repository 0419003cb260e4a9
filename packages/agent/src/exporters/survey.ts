import { type Files, isTorchpassError, type TorchpassError } from '@torchpass/core';
import { certificatesDigest, certificatesFromPem } from '@torchpass/pki';
import type { MatrixResult } from '@torchpass/prometheus';
import type { ExporterReport } from '@torchpass/protocol';
import type { ExporterSettings } from '../config/settings.ts';
import type { CertificatePair } from '../identity/certificate-pair.ts';
import { type PendingKey, readPendingKey } from '../identity/pending-key.ts';
import { type ExporterLayout, type Layout, PASSABLE } from '../storage/layout.ts';
import { type Generation, readGenerations } from './generation.ts';
import { readLastStart } from './last-start.ts';
import { prove, stands } from './prove.ts';
import { type InstalledWebConfig, readInstalled } from './web-config.ts';

/** What is: one exporter as it was found, before anything is changed. */
export interface Survey {
  exporter: ExporterSettings;
  place: ExporterLayout;
  /** Whole ones, oldest first. */
  generations: Generation[];
  installed: InstalledWebConfig | undefined;
  /** The generation that the web configuration names. */
  current: Generation | undefined;
  /** There is one as long as a change is not finished. */
  pending: PendingKey | undefined;
  /** Of `current`. */
  proof: MatrixResult | undefined;
  /** The restart generation for which it was last started. */
  startedFor: number;
  /** What keeps us from touching it. */
  obstacle: TorchpassError | undefined;
}

export async function survey(
  exporter: ExporterSettings,
  layout: Layout,
  identity: CertificatePair,
  files: Files,
  signal: AbortSignal | undefined,
): Promise<Survey> {
  const place = layout.exporter(exporter.name);
  await files.makeFolder(place.folder, PASSABLE);
  const generations = await readGenerations(place, files);
  let installed: InstalledWebConfig | undefined;
  let obstacle: TorchpassError | undefined;
  try {
    installed = await readInstalled(exporter.webConfig, exporter.name, files);
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    obstacle = error;
  }
  const current = generations.find(({ folder }) => folder === installed?.generation);
  const proof = current === undefined ? undefined : await prove(exporter, current, identity, signal);
  let pending = await readPendingKey(place.nextKey, files);
  if (
    pending !== undefined &&
    current !== undefined &&
    proof !== undefined &&
    stands(proof) &&
    pending.belongsTo(current.leaf)
  ) {
    // The work was finished, only the last step of clearing up is missing.
    await files.remove(place.nextKey);
    pending = undefined;
  }
  const startedFor = await readLastStart(place, files);
  return { exporter, place, generations, installed, current, pending, proof, startedFor, obstacle };
}

/** What the controller is told about it. */
export function reportOf(survey: Survey): ExporterReport {
  const found = { generation: survey.current, servingSerial: seenSerial(survey), startedFor: survey.startedFor };
  return makeReport(survey.exporter, found, survey.obstacle?.message ?? survey.proof?.problem);
}

/** Of the certificate that it was seen to serve, lower-case hex. */
export function seenSerial({ current, pending, proof }: Survey): string | undefined {
  return servedSerial(proof, pending === undefined ? current : undefined);
}

interface Seen {
  generation: Generation | undefined;
  servingSerial: string | undefined;
  startedFor: number;
}

export function makeReport(
  { name, port, advertise, metricsPath, job }: ExporterSettings,
  { generation, servingSerial, startedFor }: Seen,
  problem: string | undefined,
): ExporterReport {
  return {
    name,
    port,
    address: advertise,
    metricsPath,
    job,
    servingSerial: Buffer.from(servingSerial ?? '', 'hex'),
    problem: problem ?? '',
    scrapersDigest: admittedBy(generation, servingSerial),
    restartGeneration: startedFor,
  };
}

/**
 * Whom it admits, as a digest: what the generation says whose certificate it was seen to serve, since an exporter reads both at
 * each handshake. Empty when it serves another one.
 */
function admittedBy(generation: Generation | undefined, servingSerial: string | undefined): Buffer {
  if (generation === undefined || generation.serial !== servingSerial) return Buffer.alloc(0);
  return certificatesDigest(certificatesFromPem(generation.clientCa));
}

/** What it was seen to serve; while it is down, what it served when it was last proved. */
export function servedSerial(proof: MatrixResult | undefined, proved: Generation | undefined): string | undefined {
  return proof === undefined || proof.reachable ? proof?.servedSerial : proved?.serial;
}
