import { isTorchpassError, type HostPort } from '@torchpass/core';
import { certificatesToPem } from '@torchpass/pki';
import { join } from 'node:path';
import type { Server } from 'node:net';
import type { Services } from './api/services.ts';
import { createFeatures } from './features.ts';
import type { Surroundings } from './surroundings.ts';
import { createAgentService } from './grpc/agent-service.ts';
import { createAuthentication } from './grpc/authenticate.ts';
import { Connections } from './grpc/connections.ts';
import { notingRefusals } from './grpc/call-refusals.ts';
import { createGate } from './grpc/gate.ts';
import { createGrpcServer } from './grpc/grpc-server.ts';
import { createAdmission } from './grpc/methods.ts';
import { HANDSHAKES } from './grpc/handshakes.ts';
import { createPublicPort } from './grpc/public-port.ts';
import { createKnownAddresses } from './hosts/known-addresses.ts';
import { createAdminServer } from './http/admin.ts';
import { notingRefusedActs } from './http/refused-acts.ts';
import { listenTcp, listenUnix } from './http/listen.ts';
import { createOperationsServer } from './http/operations.ts';
import { createPublicHttp } from './http/public.ts';
import { checkTrustDomain, openAuthorities } from './issuance/authorities.ts';
import { createControllerCertificate } from './issuance/controller-certificate.ts';
import { Lanes } from './limits/lanes.ts';
import { openStore } from './store/store.ts';
import { takeInstanceLock } from './store/instance-lock.ts';
import { keepFresh } from './upkeep.ts';

export interface Controller {
  services: Services;
  /** Where the public port listens. */
  publicAddress: HostPort;
  /** Finishes what is in flight and closes everything in reverse order. */
  close(): Promise<void>;
}

const CLOSE_DEADLINE_MS = 10_000;

/** Puts the whole controller together and starts it. With `createFeatures`, read from top to bottom, this is the program. */
export async function startController(surroundings: Surroundings): Promise<Controller> {
  const { config, clock, files, logger, seams = {} } = surroundings;
  const closers: (() => void | Promise<void>)[] = [];
  const close = () => closeAll(closers.splice(0).toReversed());

  try {
    // State
    const lock = takeInstanceLock(join(config.storage_path, 'controller.lock'));
    closers.push(() => lock.release());
    const store = await openStore({
      path: join(config.storage_path, 'torchpass.db'),
      clock,
      wrap: seams.wrapDialect,
    });
    closers.push(() => store.destroy());
    closers.push(() => surroundings.token?.close());
    const authorities = await openAuthorities(store, surroundings.passphrase, {
      token: surroundings.token,
      wrapSigner: seams.wrapSigner,
    });
    checkTrustDomain(authorities.trustDomain, config.trust_domain);

    // Features
    const connections = new Connections();
    const handshakes = new Lanes(HANDSHAKES);
    let hurry: () => void = () => undefined;
    const features = createFeatures(surroundings, {
      store,
      authorities,
      connections: () => connections.size,
      handshakes,
      cut: (serials) => connections.cut(serials),
      hurry: () => hurry(),
    });
    const { issuance, prometheusFolder, publisher, revocationLists, services, metrics, refusals, auditKeeper } =
      features;
    closers.push(() => auditKeeper.close());
    await prometheusFolder.refresh();
    const controllerCertificate = createControllerCertificate({
      files,
      keyPath: join(config.storage_path, 'controller-key.sealed'),
      authorities,
      issuance,
      clock,
      names: [config.advertise_address.host],
      lifetimeMs: config.certificates.controller_lifetime,
    });

    // Edges
    const known = await createKnownAddresses({ store, clock, logger });
    const admission = createAdmission({ clock, rateFactor: config.limits.rate_factor });
    const authenticate = createAuthentication({
      store,
      authorities,
      connections,
      judgeGeneration: features.judgeGeneration,
      renewalGraceMs: config.certificates.renewal_grace,
      adopt: features.adopt,
      clock,
      logger,
    });
    const noteRefusal = notingRefusals(refusals);
    const { observe } = metrics;
    const gate = createGate({ connections, authenticate, admission, known, noteRefusal, observe, clock, logger });
    const grpc = createGrpcServer(
      createAgentService({
        ...features,
        callerOf: gate.callerOf,
        authorities,
        noteRefusal,
        scraperName: config.prometheus.scraper_name,
        checkInIntervalMs: config.targets.check_in_interval,
        clock,
        logger,
      }),
      gate,
    );
    const http = await createPublicHttp({
      rootBundle: () => certificatesToPem([...authorities.roots]),
      revocationList: (name) => revocationLists.newest(name),
      logger,
      clock,
    });
    closers.push(() => http.close());
    closers.push(() => grpc.close(CLOSE_DEADLINE_MS));
    const publicPort = createPublicPort({
      credentials: await controllerCertificate.fresh(),
      connections,
      known,
      handshakes,
      grpc: grpc.handleSocket,
      http: http.handleSocket,
      mostConnections: config.limits.connections,
      rateFactor: config.limits.rate_factor,
      dropped: metrics.dropped,
      clock,
      logger,
    });
    const admin = createAdminServer({ services, logger, clock, refused: notingRefusedActs(refusals) });
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

    // From here on it serves. What a crash left unpublished is published first; what cannot be written now is shown
    // in the status and tried again, while agents are served.
    await publisher.publish().catch((error: unknown) => {
      if (!isTorchpassError(error, 'PUBLISH_WOULD_EMPTY', 'FILE_UNWRITABLE', 'FILE_UNREADABLE')) throw error;
    });
    await listenUnix(admin.server, { path: config.admin.socket, gid: surroundings.socketGroup });
    await listenTcp(operations.server, config.admin.listen_address, 'admin.listen_address');
    closers.push(() => publicPort.close());
    await listenTcp(publicPort.server, config.listen_address, 'listen_address');
    const upkeep = keepFresh({
      prometheusFolder,
      controllerCertificate,
      serveWith: publicPort.serveWith,
      rotate: features.rotation.advance,
      publisher,
      revocationLists,
      expirePending: features.expirePending,
      auditKeeper,
      observe: metrics.upkeep,
      clock,
      logger,
    });
    hurry = () => upkeep.hurry();
    closers.push(() => upkeep.stop());

    return { services, publicAddress: boundAddress(publicPort.server.address(), config.listen_address), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One that fails does not keep the others open; its error is thrown at the end. */
async function closeAll(closers: readonly (() => void | Promise<void>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const closer of closers) {
    try {
      await closer();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

function boundAddress(bound: ReturnType<Server['address']>, configured: HostPort): HostPort {
  return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : configured;
}
