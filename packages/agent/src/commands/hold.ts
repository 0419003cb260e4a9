import { isTorchpassError, TorchpassError } from '@torchpass/core';
import { readWebConfig } from '@torchpass/prometheus';
import type { ExporterSettings } from '../config/settings.ts';
import { lockDown } from '../exporters/lock-down.ts';
import { stands } from '../exporters/prove.ts';
import { type Survey, survey } from '../exporters/survey.ts';
import type { Identity } from '../identity/store.ts';
import type { Seams } from './seams.ts';

/**
 * What can be done for the exporters while the controller says nothing: one that no longer uses what it was given is
 * closed again with the newest certificate that is here. Nothing is asked for, and what goes wrong is only logged: the
 * pass has failed anyway, and the next one compares again.
 */
export async function hold(identity: Identity, seams: Seams, signal: AbortSignal | undefined): Promise<void> {
  for (const exporter of seams.settings.exporters) {
    try {
      await holdExporter(exporter, identity, seams, signal);
    } catch (error) {
      if (!isTorchpassError(error)) throw error;
      seams.logger.warn('the exporter could not be held closed', { exporter: exporter.name, error });
    }
  }
}

async function holdExporter(
  exporter: ExporterSettings,
  identity: Identity,
  seams: Seams,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await survey(exporter, seams.layout, identity.pair, seams.files, signal);
  const newest = found.current ?? found.generations.at(-1);
  const isHeld =
    found.current !== undefined && found.proof !== undefined && (stands(found.proof) || !found.proof.reachable);
  if (newest === undefined || isHeld) return;
  seams.logger.warn('the exporter is closed again, without the controller', { exporter: exporter.name });
  const wanted = {
    clientCa: newest.clientCa,
    scraperIds: admitted(found),
    renew: true,
    appointments: new Map(),
    restartGeneration: 0,
    restarted: false,
    check: refuse,
  };
  // A certificate that has ended closes as well as another; who scrapes sees that it has.
  await lockDown(found, wanted, { ...seams, identity: identity.pair, issue: () => Promise.resolve(newest), signal });
}

/** The scrapers that it was told to admit. When that is lost, any of the right authority until the controller is back. */
function admitted({ installed }: Survey): string[] {
  try {
    return [...(readWebConfig(installed?.text ?? '').clientAllowedSans ?? [])];
  } catch (error) {
    if (isTorchpassError(error)) return [];
    throw error;
  }
}

/** No generation is taken as the answer to a request of before: whether it fits is the controller's word. */
function refuse(): never {
  throw new TorchpassError('PROTOCOL_VIOLATION', 'Without the controller, no certificate fits.');
}
