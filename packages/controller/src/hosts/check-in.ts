import { parseHostPort, type Clock, type Logger, type Random } from '@torchpass/core';
import { TargetState, type CheckInRequest, type DesiredExporter as Answer } from '@torchpass/protocol';
import { host as hostActor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { Refusals } from '../audit/refusals.ts';
import { findCertificate, hasSameNames, isSameLine, newestOfLine } from '../issuance/ledger.ts';
import type { HostTable } from '../store/schema.ts';
import type { ProveRefusal } from '../revocation/refusal-proof.ts';
import type { Store } from '../store/store.ts';
import type { Policy } from '../policy/policy.ts';
import type { Rule } from '../policy/request.ts';
import type { Resolve } from '../targets/address-policy.ts';
import type { LookFromOutside } from '../targets/closed-loop.ts';
import type { Publisher } from '../targets/publisher.ts';
import { renewAfterMove } from './address-change.ts';
import { refuseForeignAddress } from './address-owner.ts';
import { decideExporter, type DesiredExporter } from './desired-exporter.ts';
import { acknowledge, digestFrom } from './acknowledge.ts';
import { exporterLine, exportersOf, findExporter, newlyRefused, reconcileExporters, recordLook } from './exporters.ts';
import type { Reissue } from './reissue.ts';
import { ordersFor, type HostOrders } from './renewal-orders.ts';
import { addressesOf, seenAt } from './facts.ts';

export interface CheckInTools {
  store: Store;
  policy: Policy;
  countRefusal: (rule: Rule) => void;
  resolve: Resolve;
  look: LookFromOutside;
  publisher: Publisher;
  refusals: Refusals;
  reissue: Reissue;
  audit: Audit;
  random: Random;
  proveRefusal: ProveRefusal;
  clock: Clock;
  logger: Logger;
}

export interface CheckIn {
  host: HostTable;
  request: CheckInRequest;
  /** Where the caller connects from. */
  address: string;
  /** Aborted when nobody waits for the answer any more: what is stored stays, looks from outside end. */
  signal?: AbortSignal | undefined;
  /** Serial number of the identity that it called with. */
  identitySerial: string | undefined;
}

export interface CheckInAnswer {
  exporters: Answer[];
  /** Whether the host's own identity has to be renewed now. */
  renewIdentity: boolean;
  /** When to renew it, if somebody has ordered that. */
  renewIdentityAt: Date | undefined;
}

/** Why is for the operator: the status and the log say it. */
const UNWRITTEN = 'The controller cannot write its target files at the moment.';

/**
 * Compares what a host reports with what should be, and answers the difference. Where an exporter serves a certificate
 * that was not yet seen from outside, looks; when that succeeds, the target is published before the answer.
 */
export function createCheckIn(tools: CheckInTools) {
  const { store, policy, countRefusal, resolve, look, publisher, refusals, reissue, proveRefusal, clock, logger } =
    tools;

  return async ({ host, request, address, identitySerial, signal }: CheckIn): Promise<CheckInAnswer> => {
    const from = addressesOf(host, address, clock.now());
    const rows = await exportersOf(store, host.id);
    const decided = await Promise.all(
      request.exporters.map((report) => {
        const row = rows.find(({ name }) => name === report.name);
        const current = row?.published_target ?? row?.target ?? null;
        return decideExporter(report, { host, from, current, policy, resolve });
      }),
    );
    const { desired, changed, refused } = await save({ host, request, address, identitySerial }, decided);
    for (const { name, problem } of refused) {
      const details = { exporter: name, reason: problem };
      const by = hostActor(host.name, address);
      await refusals.note({ event: 'exporter.refused', by, subject: host.name, details });
    }
    for (const { refused: step } of desired) if (step !== null) countRefusal(step.rule);
    const published = await Promise.all(
      desired.map((exporter, index) => lookIfNew(host, exporter, request.exporters[index]?.servingSerial, signal)),
    );
    for (const exporter of desired) await proveRefusal(host, exporter);
    // A file that cannot be written is reported below, exporter by exporter; the host's own state is safe already.
    if (changed || published.includes(true)) await publisher.publish().catch(() => undefined);
    const orders = await ordersFor(store, host.id, clock.now());
    const exporters = await Promise.all(
      desired.map((exporter, index) => answer(host, exporter, request.exporters[index]?.servingSerial, orders)),
    );
    const identity = identitySerial === undefined ? undefined : await findCertificate(store, identitySerial);
    return {
      exporters,
      renewIdentity: identity !== undefined && reissue.isDue(identity),
      renewIdentityAt: identity === undefined ? undefined : orders.pointOf(identity),
    };
  };

  function save({ host, request, address, identitySerial }: CheckIn, decided: DesiredExporter[]) {
    return store.transaction().execute(async (transaction) => {
      const now = clock.now();
      await renewAfterMove(transaction, { host, address }, tools);
      await transaction
        .updateTable('hosts')
        .set({
          ...seenAt(host, address, now),
          agent_version: request.agentVersion.slice(0, 64),
          roots_digest: digestFrom(request.rootsDigest),
          ...(identitySerial === undefined ? {} : { identity_serial: identitySerial }),
        })
        .where('id', '=', host.id)
        .execute();
      const desired: DesiredExporter[] = [];
      for (const exporter of decided) desired.push(await refuseForeignAddress(transaction, host.id, exporter, policy));
      const before = await exportersOf(transaction, host.id);
      const changed = await reconcileExporters(transaction, host, desired, now);
      for (const { name, scrapersDigest, restartGeneration } of request.exporters)
        await acknowledge(transaction, host.id, name, digestFrom(scrapersDigest), restartGeneration);
      return { desired, changed, refused: newlyRefused(before, desired) };
    });
  }

  /** Looks from outside when the agent says that it serves the newest certificate. Answers whether the target changed. */
  async function lookIfNew(
    host: HostTable,
    exporter: DesiredExporter,
    servingSerial: Buffer | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (exporter.target === null || exporter.connectTo === null) return false;
    const row = await findExporter(store, host.id, exporter.name);
    const newest = await newestOfLine(store, exporterLine(host.id, exporter.name));
    if (newest === undefined || servingSerial?.toString('hex') !== newest.serial) return false;
    if (newest.revoked_at !== null) return false;
    const isSeen =
      row?.published_target === exporter.target && row.seen_serial === newest.serial && row.problem === null;
    // A new scraper authority has to be seen to be let in before the old one goes.
    if (isSeen && row.checked_at !== null && new Date(row.checked_at) >= reissue.scraperSince()) return false;
    // Decided otherwise since it was issued: the agent renews it first. Prometheus would refuse the names in it.
    if (!hasSameNames(newest, exporter)) return false;
    const { host: name, port } = parseHostPort(exporter.target);
    const { metricsPath: path, connectTo } = exporter;
    const problem = await look({ host: name, port, path, connectTo, serial: newest.serial }, signal);
    if (problem !== undefined) signal?.throwIfAborted();
    const fields = { host: host.name, exporter: exporter.name, target: exporter.target, serial: newest.serial };
    if (problem === undefined) logger.info('target seen from outside', fields);
    else logger.warn('target is not as it should be', { ...fields, problem });
    return recordLook(store, { hostId: host.id, exporter, serial: newest.serial, problem, now: clock.now() });
  }

  /**
   * Now, when what an exporter serves is none of this host's good certificates: the host has joined anew or was replaced,
   * or the database is an older one. The agent finds it fitting, but here it counts for nothing. Or its authority is on
   * the way out. Else when somebody has ordered it.
   */
  async function renewalOf(
    host: HostTable,
    name: string,
    servingSerial: Buffer | undefined,
    orders: HostOrders,
  ): Promise<Pick<Answer, 'renew' | 'renewAt'>> {
    if (servingSerial === undefined || servingSerial.length === 0) return { renew: false, renewAt: undefined };
    const row = await findCertificate(store, servingSerial.toString('hex'));
    if (row === undefined || row.revoked_at !== null || !isSameLine(row, exporterLine(host.id, name)))
      return { renew: true, renewAt: undefined };
    return { renew: reissue.isDue(row), renewAt: orders.pointOf(row) };
  }

  async function answer(
    host: HostTable,
    exporter: DesiredExporter,
    servingSerial: Buffer | undefined,
    orders: HostOrders,
  ): Promise<Answer> {
    const row = await findExporter(store, host.id, exporter.name);
    const { name, dnsNames, ipAddresses } = exporter;
    const renewal = await renewalOf(host, name, servingSerial, orders);
    const base = { name, dnsNames, ipAddresses, ...renewal, target: exporter.target ?? '' };
    if (exporter.target === null) return { ...base, state: TargetState.REFUSED, problem: exporter.problem ?? '' };
    const unwritten = publisher.problem(exporter.job) === undefined ? undefined : UNWRITTEN;
    const isPublished = row?.published_target === exporter.target && unwritten === undefined;
    const problem = exporter.unresolved ?? row?.problem ?? unwritten ?? '';
    return { ...base, state: isPublished ? TargetState.PUBLISHED : TargetState.PENDING, problem };
  }
}
