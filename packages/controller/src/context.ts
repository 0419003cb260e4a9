import {
  formatHostPort,
  isTorchpassError,
  type Clock,
  type Files,
  type HostPort,
  type Logger,
  type Owner,
  type Random,
  type Secret,
} from '@torchpass/core';
import { certificatesToPem } from '@torchpass/pki';
import type { Dialect } from 'kysely';
import { join } from 'node:path';
import type { Server } from 'node:tls';
import type { Config } from './config/load.ts';
import { createAgentService } from './grpc/agent-service.ts';
import { createAuthentication } from './grpc/authenticate.ts';
import { Connections } from './grpc/connections.ts';
import { createGate } from './grpc/gate.ts';
import { createGrpcServer } from './grpc/grpc-server.ts';
import { createAdmission } from './grpc/methods.ts';
import { createPublicPort } from './grpc/public-port.ts';
import { createCheckIn } from './hosts/check-in.ts';
import { createEnding } from './hosts/end.ts';
import { createEnrolment } from './hosts/enrol.ts';
import { createHostCertificates } from './hosts/host-certificates.ts';
import { createViews } from './hosts/views.ts';
import { createAdminServer } from './http/admin.ts';
import type { Services } from './http/api/services.ts';
import { listenTcp, listenUnix } from './http/listen.ts';
import { createOperationsServer } from './http/operations.ts';
import { createPublicHttp } from './http/public.ts';
import { openAuthorities } from './issuance/authorities.ts';
import { createControllerCertificate } from './issuance/controller-certificate.ts';
import { createIssuance } from './issuance/issuance.ts';
import { createMetrics } from './metrics.ts';
import { createPrometheusFolder, prometheusPaths } from './scrapers/prometheus-folder.ts';
import { createPrometheusService } from './scrapers/prometheus-service.ts';
import { createStatus } from './status.ts';
import { openStore } from './store/store.ts';
import { takeInstanceLock } from './store/instance-lock.ts';
import type { Resolve } from './targets/address-policy.ts';
import { createTargetCheck } from './targets/check.ts';
import { createClosedLoop } from './targets/closed-loop.ts';
import { createPublisher } from './targets/publisher.ts';
import { createTokens } from './tokens/tokens.ts';
import { keepFresh } from './upkeep.ts';

/** What the program takes from outside; tests put their own here. */
export interface Surroundings {
  config: Config;
  passphrase: Secret;
  /** Prometheus's user, looked up. */
  prometheusOwner: Owner | undefined;
  /** Group of the administration socket, looked up. */
  socketGroup: number | undefined;
  clock: Clock;
  random: Random;
  files: Files;
  logger: Logger;
  resolve: Resolve;
  /** For crash tests. */
  wrapDialect?: (dialect: Dialect) => Dialect;
}

export interface Controller {
  services: Services;
  /** Where the public port listens. */
  publicAddress: HostPort;
  /** Finishes what is in flight and closes everything in reverse order. */
  close(): Promise<void>;
}

const CLOSE_DEADLINE_MS = 10_000;

/** Puts the whole controller together and starts it. Read from top to bottom, this is the program. */
export async function startController(surroundings: Surroundings): Promise<Controller> {
  const { config, clock, random, files, logger } = surroundings;
  const closers: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };

  try {
    // State
    const lock = takeInstanceLock(join(config.storage_path, 'controller.lock'));
    closers.push(() => lock.release());
    const { wrapDialect: wrap } = surroundings;
    const path = join(config.storage_path, 'torchpass.db');
    const store = await openStore({ path, clock, ...(wrap === undefined ? {} : { wrap }) });
    closers.push(() => store.destroy());

    // Authority
    const authorities = await openAuthorities(store, surroundings.passphrase);
    const issuance = createIssuance({ store, authorities, clock, random, logger });
    const controllerCertificate = createControllerCertificate({
      files,
      keyPath: join(config.storage_path, 'controller-key.sealed'),
      authorities,
      issuance,
      clock,
      names: [config.advertise_address.host],
      lifetimeMs: config.certificates.controller_lifetime,
    });

    // Prometheus's side
    const prometheusFolder = createPrometheusFolder({
      files,
      issuance,
      clock,
      authorities,
      folder: config.prometheus.folder,
      owner: surroundings.prometheusOwner,
      scraperName: config.prometheus.scraper_name,
      scraperLifetimeMs: config.certificates.scraper_lifetime,
      webNames: config.prometheus.web_names,
      webLifetimeMs: config.certificates.scraper_lifetime,
    });
    await prometheusFolder.refresh();
    const paths = prometheusPaths(config.prometheus.folder);
    const publisher = createPublisher({
      store,
      files,
      clock,
      logger,
      folder: paths.targets,
      staging: paths.staging,
      permissions: { mode: 0o640, owner: surroundings.prometheusOwner },
      intervalMs: config.targets.publish_interval,
    });

    // Hosts and their targets
    const policy = { allowedNetworks: config.policy.allowed_networks };
    const { resolve } = surroundings;
    const scraper = () => prometheusFolder.credentials();
    const timeoutMs = config.targets.probe_timeout;
    const identityLifetimeMs = config.certificates.identity_lifetime;
    const exporterLifetimeMs = config.certificates.exporter_lifetime;
    const look = createClosedLoop({ authorities, scraper, timeoutMs });
    const enrol = createEnrolment({ store, authorities, issuance, clock, random, logger, identityLifetimeMs });
    const checkIn = createCheckIn({ store, policy, resolve, look, publisher, clock, logger });
    const certificates = createHostCertificates({
      store,
      authorities,
      issuance,
      identityLifetimeMs,
      exporterLifetimeMs,
    });
    const views = createViews(store);
    const ending = createEnding({ store, views, publisher, clock, logger });

    // What operators see
    const controller = formatHostPort(config.advertise_address);
    const connections = new Connections();
    const metrics = createMetrics({ store, authorities, publisher, connections: () => connections.size });
    const targetCheck = createTargetCheck({ authorities, issuance, scraper, policy, resolve, timeoutMs });
    const status = createStatus({ store, authorities, publisher, prometheusFolder, controller, paths, clock });
    const services: Services = {
      tokens: createTokens({ store, authorities, clock, random, controller }),
      hosts: {
        list: views.hosts,
        show: views.host,
        revoke: ending.revoke,
      },
      targets: {
        list: views.targets,
        async check({ host }) {
          const all = await views.targets();
          const chosen = all.filter((target) => target.target !== null && (host === undefined || target.host === host));
          return Promise.all(chosen.map(targetCheck));
        },
        publish: publisher.publish,
      },
      prometheus: createPrometheusService({ prometheusFolder, paths }),
      ...status,
    };

    // Edges
    const admission = createAdmission({ clock, rateFactor: config.limits.rate_factor });
    const authenticate = createAuthentication({ store, authorities, clock, logger });
    const gate = createGate({ connections, authenticate, admit: admission, observe: metrics.observe, logger });
    const grpc = createGrpcServer(
      createAgentService({
        callerOf: gate.callerOf,
        enrol,
        checkIn,
        certificates,
        leave: ending.leave,
        authorities,
        scraperName: config.prometheus.scraper_name,
        checkInIntervalMs: config.targets.check_in_interval,
        clock,
        logger,
        observe: metrics.observe,
      }),
      gate.interceptor,
    );
    const http = await createPublicHttp({
      rootBundle: () => certificatesToPem([...authorities.roots]),
      logger,
      clock,
    });
    closers.push(() => http.close());
    closers.push(() => grpc.close(CLOSE_DEADLINE_MS));
    const publicPort = createPublicPort({
      credentials: await controllerCertificate.fresh(),
      connections,
      grpc: grpc.handleSocket,
      http: http.handleSocket,
      mostConnections: config.limits.connections,
      logger,
    });
    const admin = createAdminServer({ services, logger, clock });
    const operations = createOperationsServer({
      services,
      registry: metrics.registry,
      logger,
      clock,
      hostNames: [config.admin.listen_address.host],
    });
    await Promise.all([admin.ready(), operations.ready()]);
    closers.push(() => operations.close());
    closers.push(() => admin.close());

    // From here on it serves. What a crash left unpublished is published first.
    await publisher.publish().catch((error: unknown) => {
      if (!isTorchpassError(error, 'PUBLISH_WOULD_EMPTY')) throw error;
    });
    await listenUnix(admin.server, { path: config.admin.socket, gid: surroundings.socketGroup });
    await listenTcp(operations.server, config.admin.listen_address, 'admin.listen_address');
    closers.push(() => void publicPort.close());
    await listenTcp(publicPort, config.listen_address, 'listen_address');
    const upkeep = keepFresh({ prometheusFolder, controllerCertificate, publicPort, publisher, clock, logger });
    closers.push(() => upkeep.stop());

    return { services, publicAddress: boundAddress(publicPort.address(), config.listen_address), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function boundAddress(bound: ReturnType<Server['address']>, configured: HostPort): HostPort {
  return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : configured;
}
