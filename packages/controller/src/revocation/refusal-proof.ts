import { parseHostPort, type Logger } from '@torchpass/core';
import type { ProbeOutcome } from '@torchpass/prometheus';
import type { DesiredExporter } from '../hosts/desired-exporter.ts';
import { findExporter } from '../hosts/exporters.ts';
import type { Authorities } from '../issuance/authorities.ts';
import type { HostTable } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Knocks, TryKnock } from './knock.ts';

interface Tools {
  store: Store;
  authorities: Authorities;
  knocks: Knocks;
  tryKnock: TryKnock;
  logger: Logger;
}

/** Proves that an exporter refuses the scraper key that was given up last. Nothing to do when that was seen before. */
export type ProveRefusal = (host: HostTable, exporter: DesiredExporter) => Promise<void>;

/**
 * Knocks once the agent says that it has restarted the exporter: before, a refusal would prove nothing, since connections and
 * tickets of before could still be good. What is stored is what was seen, not what was said.
 */
export function createRefusalProof({ store, authorities, knocks, tryKnock, logger }: Tools): ProveRefusal {
  return async (host, exporter) => {
    const generation = authorities.restartGeneration;
    if (generation === 0 || exporter.target === null || exporter.connectTo === null) return;
    const row = await findExporter(store, host.id, exporter.name);
    if (row === undefined || row.started_for < generation || row.refused_for >= generation) return;
    const client = await knocks.open(generation);
    if (client === undefined) return;
    const place = { ...parseHostPort(exporter.target), path: exporter.metricsPath, connectTo: exporter.connectTo };
    const outcome = await tryKnock(place, client);
    const problem = complaint(outcome);
    const fields = { host: host.name, exporter: exporter.name, target: exporter.target, generation };
    if (problem === undefined) logger.info('a given-up scraper key is refused', fields);
    else logger.error('a given-up scraper key was not seen to be refused', { ...fields, problem });
    await store
      .updateTable('exporters')
      .set({ refusal_problem: problem ?? null, ...(problem === undefined ? { refused_for: generation } : {}) })
      .where('host_id', '=', host.id)
      .where('name', '=', exporter.name)
      .execute();
  };
}

function complaint(outcome: ProbeOutcome): string | undefined {
  switch (outcome.kind) {
    case 'refused':
      return undefined;
    case 'answered':
      return `It lets in the key that was given up (HTTP status ${outcome.status}).`;
    case 'untrusted':
    case 'unreachable':
      return `It could not be tried: ${outcome.reason}`;
  }
}
