import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from '@torchpass/quickstart';
import type { LabController } from './controller.ts';
import { startPrometheus, type Prometheus, type PrometheusOptions } from './prometheus.ts';
import type { Scope } from './scope.ts';
import { workspace } from './workspace.ts';

/** Discovery publishes its first targets in steps of five seconds, and the first scrape comes within its interval after. */
export const DISCOVERY_MS = 30_000;

export interface PastedPrometheus extends Prometheus {
  configFile: string;
}

/** A real Prometheus into whose configuration the controller's scrape job was pasted. It scrapes every second. */
export async function startPastedPrometheus(
  scope: Scope,
  binaries: Binaries,
  controller: LabController,
  options: Omit<PrometheusOptions, 'configFile'> = {},
): Promise<PastedPrometheus> {
  const configFile = join(await workspace(scope), 'prometheus.yml');
  const job = await readFile(join(controller.prometheus, 'scrape-config.yml'), 'utf8');
  await writeFile(configFile, `global: { scrape_interval: 1s, scrape_timeout: 1s }\n${job}`);
  return { ...(await startPrometheus(scope, binaries, { ...options, configFile })), configFile };
}
