import { formatHostPort, Turns } from '@torchpass/core';
import type { Services } from './api/services.ts';
import { createAuditService } from './audit/audit-service.ts';
import { createAudit } from './audit/audit.ts';
import type { Verification } from './audit/keeper.ts';
import { createAuditRecords } from './audit/records.ts';
import { createApproval } from './hosts/approval.ts';
import { createAdoption } from './hosts/adopt.ts';
import { createCheckIn } from './hosts/check-in.ts';
import { createEnding } from './hosts/end.ts';
import { createEnrolment, type Enrolled, type Enrolment } from './hosts/enrol.ts';
import { createGenerations } from './hosts/generations.ts';
import { createHostCertificates } from './hosts/host-certificates.ts';
import { createRenewal } from './hosts/renew.ts';
import { createRelease } from './hosts/release.ts';
import { createReissue } from './hosts/reissue.ts';
import { createViews } from './hosts/views.ts';
import type { Authorities } from './issuance/authorities.ts';
import { createIssuance } from './issuance/issuance.ts';
import { Lanes } from './limits/lanes.ts';
import { createMetrics } from './metrics.ts';
import { createBite, type Cut } from './revocation/bite.ts';
import { createCertificates } from './revocation/certificates.ts';
import { createKnocks, knockOverTls } from './revocation/knock.ts';
import { createRefusalProof } from './revocation/refusal-proof.ts';
import { createRevocationLists } from './revocation/revocation-lists.ts';
import { createRotation, type Rotation } from './rotation/rotation.ts';
import { createScraperRevocation } from './revocation/scraper-revocation.ts';
import { policyOf } from './policy/policy.ts';
import { createPrometheusFolder, prometheusPaths } from './scrapers/prometheus-folder.ts';
import { createPrometheusService } from './scrapers/prometheus-service.ts';
import { createStatus } from './status.ts';
import type { Store } from './store/store.ts';
import type { Surroundings } from './surroundings.ts';
import { createTargetCheck } from './targets/check.ts';
import { createClosedLoop } from './targets/closed-loop.ts';
import { createPublisher } from './targets/publisher.ts';
import { createTokens } from './tokens/tokens.ts';

interface State {
  store: Store;
  authorities: Authorities;
  /** How many there are to the public port. */
  connections: () => number;
  cut: Cut;
  handshakes?: Lanes;
  /** Has the upkeep look at once. */
  hurry: () => void;
}

/** Each with a few milliseconds of work and two transactions. */
const SIGNINGS = { most: 16, reserved: 8, mostWaiting: 256 };

type Enrol = (enrolment: Enrolment, signal?: AbortSignal) => Promise<Enrolled>;

/** Everything that the controller can do, without the edges that the outside reaches it by. Starts nothing. */
export function createFeatures(
  surroundings: Surroundings,
  { store, authorities, connections, handshakes, cut, hurry }: State,
) {
  const { config, clock, random, files, logger, resolve, seams = {} } = surroundings;
  const auditKey = authorities.sealing.derive('audit log');
  const audit = createAudit({ key: auditKey, clock });
  const issuance = createIssuance({ store, authorities, audit, config, clock, random, logger });
  const signing = new Lanes(SIGNINGS);

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
  const revocationLists = createRevocationLists({
    store,
    authorities,
    audit,
    files,
    clock,
    folder: paths.revocationLists,
    folderPermissions: { mode: 0o750, owner: surroundings.prometheusOwner },
    permissions: { mode: 0o640, owner: surroundings.prometheusOwner },
  });
  const bite = createBite({ cut, publisher, revocationLists, logger });
  const verification: () => Verification | undefined = () => auditKeeper.lastVerification();
  const metrics = createMetrics({
    store,
    authorities,
    publisher,
    connections,
    signing,
    handshakes,
    verification,
    waiting: () => rotation.waiting(),
    clock,
  });
  // The audit log
  const records = { store, audit, observe: metrics.refused, key: auditKey, limits: config.audit, clock, logger };
  const { refusals, auditKeeper } = createAuditRecords(records);

  // Hosts and their targets
  const policy = policyOf(config);
  const scraper = () => prometheusFolder.credentials();
  const timeoutMs = config.targets.probe_timeout;
  const identityLifetimeMs = config.certificates.identity_lifetime;
  const exporterLifetimeMs = config.certificates.exporter_lifetime;
  const look = metrics.countingProbes(seams.look ?? createClosedLoop({ authorities, scraper, timeoutMs }));
  const approvalExpiryMs = config.policy.approval_expiry;
  const lifetimes = { identityLifetimeMs, approvalExpiryMs };
  const judging = { policy, countRefusal: metrics.policyRefused };
  const enrolNow = createEnrolment({
    store,
    authorities,
    issuance,
    bite,
    audit,
    clock,
    random,
    logger,
    ...lifetimes,
    ...judging,
  });
  const enrol: Enrol = (enrolment, signal) => signing.run('stranger', () => enrolNow(enrolment), signal);
  const reissue = createReissue({ authorities, clock, spreadMs: config.targets.check_in_interval });
  const { scraper_name: scraperName } = config.prometheus;
  const knocks = createKnocks({ store, authorities, issuance, scraperName, clock });
  const tryKnock = seams.knock ?? knockOverTls(authorities, timeoutMs);
  const proveRefusal = createRefusalProof({ store, authorities, knocks, tryKnock, logger });
  const checkIn = createCheckIn({
    store,
    ...judging,
    resolve,
    look,
    publisher,
    refusals,
    reissue,
    proveRefusal,
    audit,
    random,
    clock,
    logger,
  });
  const certificates = createHostCertificates({
    store,
    authorities,
    issuance: { ...issuance, issue: (order) => signing.run('host', () => issuance.issue(order)) },
    ...judging,
    resolve,
    clock,
    identityLifetimeMs,
    exporterLifetimeMs,
  });
  const views = createViews(store);
  const ending = createEnding({ store, views, publisher, bite, audit, clock, logger });
  const judgeGeneration = createGenerations({ store, audit, clock, logger });
  const adopt = createAdoption({ store, audit, clock, logger });
  const approval = createApproval({ store, views, audit, clock, logger, expiryMs: approvalExpiryMs });

  const { certificates: leaves } = config;
  const { rotate_before: rotateBeforeMs } = config.authorities;
  const turns = new Turns();
  const rotation: Rotation = createRotation({
    store,
    authorities,
    turns,
    audit,
    clock,
    random,
    logger,
    rootLifetimeMs: config.authorities.root_lifetime,
    issuingLifetimeMs: config.authorities.issuing_lifetime,
    scrapeIntervalMs: config.prometheus.scrape_interval,
    distribution: { files, paths },
    due: {
      controller: { rotateBeforeMs, longestLeafMs: leaves.controller_lifetime },
      agent: { rotateBeforeMs, longestLeafMs: leaves.identity_lifetime },
      exporter: { rotateBeforeMs, longestLeafMs: leaves.exporter_lifetime },
      scraper: { rotateBeforeMs, longestLeafMs: leaves.scraper_lifetime },
    },
    rootDue: { rotateBeforeMs, longestLeafMs: 0 },
    settle: async () => void (await prometheusFolder.refresh()),
  });

  // What operators see
  const controller = formatHostPort(config.advertise_address);
  const targetCheck = createTargetCheck({ authorities, issuance, scraper, policy, resolve, timeoutMs });
  const status = createStatus({ store, authorities, publisher, prometheusFolder, controller, paths, clock });
  const services: Services = {
    tokens: createTokens({ store, authorities, audit, clock, random, controller, ...judging }),
    hosts: {
      list: views.hosts,
      show: views.host,
      approve: approval.approve,
      reject: approval.reject,
      revoke: ending.revoke,
      renew: createRenewal({ store, audit, clock, random }),
      release: createRelease({ store, views, audit, logger }),
    },
    certificates: createCertificates({ store, audit, bite, hurry, clock, logger }),
    authorities: { list: rotation.list, rotate: rotation.rotate },
    targets: {
      list: views.targets,
      check: async ({ host }) => targetCheck(await (host === undefined ? views.targets() : views.targetsOf(host))),
      publish: async (options, by) => {
        if (options.allowEmpty) await audit.record(store, { event: 'targets.emptied', by, subject: 'targets' });
        return publisher.publish(options);
      },
    },
    audit: createAuditService({ store, keeper: auditKeeper, clock }),
    scraper: createScraperRevocation({
      store,
      authorities,
      turns,
      audit,
      clock,
      random,
      logger,
      knocks,
      rootLifetimeMs: config.authorities.root_lifetime,
      issuingLifetimeMs: config.authorities.issuing_lifetime,
      settle: () => prometheusFolder.refresh(),
    }),
    prometheus: createPrometheusService({ prometheusFolder, paths }),
    ...status,
  };
  const { leave } = ending;
  const expirePending = approval.expire;
  return {
    issuance,
    prometheusFolder,
    paths,
    publisher,
    revocationLists,
    enrol,
    expirePending,
    checkIn,
    certificates,
    judgeGeneration,
    rotation,
    adopt,
    leave,
    services,
    metrics,
    refusals,
    auditKeeper,
  };
}
