import { isTorchpassError, type TorchpassError } from '@torchpass/core';
import type { ExporterSettings } from '../config/settings.ts';
import type { LockDownSeams } from './lock-down.ts';
import { restartExporter } from './restart.ts';
import { checkInstalled } from './web-config.ts';

/** Restarts an exporter, unless it would start open. Answers what went wrong; undefined when nothing did. Errors: WEB_CONFIG_UNSAFE. */
export async function restartSafely(
  exporter: ExporterSettings,
  argv: readonly string[],
  { files, logger, signal }: LockDownSeams,
): Promise<TorchpassError | undefined> {
  // The file may have been changed since it was written; an exporter that starts with an empty one is open.
  await checkInstalled(exporter.webConfig, files);
  try {
    await restartExporter(exporter.name, argv, signal);
    return undefined;
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    logger.warn('the exporter could not be restarted', { exporter: exporter.name, error });
    return error;
  }
}
