import { isTorchpassError, reasonOf, type Clock, type Logger } from '@torchpass/core';
import type { AuditKeeper } from './audit/keeper.ts';
import type { createControllerCertificate, ServerCredentials } from './issuance/controller-certificate.ts';
import type { RevocationLists } from './revocation/revocation-lists.ts';
import type { PrometheusFolder } from './scrapers/prometheus-folder.ts';
import type { Publisher } from './targets/publisher.ts';

/** What is kept fresh. */
export const UPKEEP = [
  'rotation',
  'controller_certificate',
  'prometheus_folder',
  'revocation_lists',
  'pending_hosts',
  'audit_log',
] as const;
export type Upkeep = (typeof UPKEEP)[number];

interface Options {
  prometheusFolder: PrometheusFolder;
  controllerCertificate: ReturnType<typeof createControllerCertificate>;
  /** Makes the public port serve with these from now on. */
  serveWith: (credentials: ServerCredentials) => void;
  /** Takes the steps of rotations whose gates are open. */
  rotate: () => Promise<void>;
  publisher: Publisher;
  revocationLists: RevocationLists;
  /** Ends hosts that nobody approved in time. */
  expirePending: () => Promise<void>;
  auditKeeper: Pick<AuditKeeper, 'pass'>;
  /** Whether something failed when it was last due, for the metrics. */
  observe: (what: Upkeep, failed: boolean) => void;
  clock: Clock;
  logger: Logger;
}

/** Short enough for certificates of a minute, and cheap: nothing is written unless something is due. */
const INTERVAL_MS = 5000;
/** A publication that waits for the operator: whatever brings new targets publishes by itself. */
const REFUSED_INTERVAL_MS = 60 * 60_000;

/**
 * Keeps everything of the controller's own fresh while it runs: its server certificate, Prometheus's client
 * certificate and web certificate, the revocation lists, and target files that could not be written when they should have been.
 */
export function keepFresh(options: Options) {
  const { prometheusFolder, controllerCertificate, serveWith, publisher, revocationLists } = options;
  const { expirePending, auditKeeper, rotate } = options;
  const { observe, clock, logger } = options;
  const stopping = new AbortController();
  let rest = new AbortController();
  let served: ServerCredentials | undefined;

  const failures = new Map<Upkeep, string>();
  let refused: { problem: string | undefined; at: Date } | undefined;

  const pass = async () => {
    await attempt('rotation', rotate);
    await attempt('controller_certificate', async () => {
      const credentials = await controllerCertificate.fresh();
      if (served !== undefined && served !== credentials) serveWith(credentials);
      served = credentials;
    });
    await attempt('prometheus_folder', () => prometheusFolder.refresh());
    await attempt('revocation_lists', () => revocationLists.refresh());
    await attempt('pending_hosts', expirePending);
    await republish();
    await attempt('audit_log', () => auditKeeper.pass());
  };

  /** Logs a failure when it begins or becomes another, not at every pass. */
  const attempt = async (what: Upkeep, work: () => Promise<unknown>) => {
    try {
      await work();
      failures.delete(what);
    } catch (error) {
      if (failures.get(what) !== reasonOf(error)) logger.error('upkeep failed', { what, error });
      failures.set(what, reasonOf(error));
    }
    observe(what, failures.has(what));
  };

  /** A file that could not be written is tried at each pass; a refusal stays until an operator does something. */
  const republish = async () => {
    const problem = publisher.problem();
    if (problem === undefined) return;
    const now = clock.now().getTime();
    if (refused?.problem === problem && now - refused.at.getTime() < REFUSED_INTERVAL_MS) return;
    await publisher.publish().catch((error: unknown) => {
      const isRefusal = isTorchpassError(error, 'PUBLISH_WOULD_EMPTY');
      refused = isRefusal ? { problem: publisher.problem(), at: clock.now() } : undefined;
    });
  };

  const loop = async () => {
    while (!stopping.signal.aborted) {
      rest = new AbortController();
      await pass();
      const interrupted = AbortSignal.any([stopping.signal, rest.signal]);
      await clock.sleep(INTERVAL_MS, interrupted).catch(() => undefined);
    }
  };
  const running = loop();

  return {
    /** Looks now, or once more after the look that is under way. */
    hurry: () => rest.abort(),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
