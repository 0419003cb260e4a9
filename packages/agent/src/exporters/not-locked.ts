import { TorchpassError } from '@torchpass/core';
import type { MatrixResult } from '@torchpass/prometheus';
import type { ExporterSettings } from '../config/settings.ts';

/** Why an exporter that does not stand is not locked, and what to do. `flag` is how its program is told its web configuration. */
export function notLocked(exporter: ExporterSettings, proof: MatrixResult, flag: string | undefined): TorchpassError {
  const start = `Start it with ${flag ?? '--web.config.file'}=${exporter.webConfig}`;
  const owner =
    exporter.owner === undefined ? ', and when it runs as another user than the agent, configure its "owner"' : '';
  const hint = `${start}${owner}; "torchpass-agent sync" then tries again.`;
  return proof.reachable
    ? new TorchpassError(
        'EXPORTER_NOT_LOCKED',
        `The exporter "${exporter.name}" is not locked: ${proof.problem ?? ''}`,
        { hint },
      )
    : new TorchpassError(
        'EXPORTER_UNREACHABLE',
        `The exporter "${exporter.name}" cannot be tried: ${proof.problem ?? ''}`,
        { hint },
      );
}
