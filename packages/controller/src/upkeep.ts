import type { Clock, Logger } from '@torchpass/core';
import type { createControllerCertificate, ServerCredentials } from './issuance/controller-certificate.ts';
import type { PrometheusFolder } from './scrapers/prometheus-folder.ts';
import type { Publisher } from './targets/publisher.ts';

interface Options {
  prometheusFolder: PrometheusFolder;
  controllerCertificate: ReturnType<typeof createControllerCertificate>;
  /** Makes the public port serve with these from now on. */
  serveWith: (credentials: ServerCredentials) => void;
  publisher: Publisher;
  clock: Clock;
  logger: Logger;
}

/** Short enough for certificates of a minute, and cheap: nothing is written unless something is due. */
const INTERVAL_MS = 5000;

/**
 * Keeps everything of the controller's own fresh while it runs: its server certificate, Prometheus's client
 * certificate and web certificate, and target files that could not be written when they should have been.
 */
export function keepFresh({ prometheusFolder, controllerCertificate, serveWith, publisher, clock, logger }: Options) {
  const stopping = new AbortController();
  let served: ServerCredentials | undefined;

  const pass = async () => {
    await attempt("the controller's certificate", async () => {
      const credentials = await controllerCertificate.fresh();
      if (served !== undefined && served !== credentials) serveWith(credentials);
      served = credentials;
    });
    await attempt('the folder of Prometheus', () => prometheusFolder.refresh());
    if (publisher.problem() !== undefined) await publisher.publish().catch(() => undefined);
  };

  const attempt = async (what: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      logger.error('upkeep failed', { what, error });
    }
  };

  const loop = async () => {
    while (!stopping.signal.aborted) {
      await pass();
      await clock.sleep(INTERVAL_MS, stopping.signal).catch(() => undefined);
    }
  };
  const running = loop();

  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
