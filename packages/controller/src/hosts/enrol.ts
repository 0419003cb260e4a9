import { randomId, TorchpassError, Turns, type Clock, type Logger, type Random } from '@torchpass/core';
import { readCertificateRequest } from '@torchpass/pki';
import { stranger } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { Authorities } from '../issuance/authorities.ts';
import type { CertificateOrder, IssuedCertificate, Issuance } from '../issuance/issuance.ts';
import { certificatesOfKey, newestOfLine } from '../issuance/ledger.ts';
import type { Bite } from '../revocation/bite.ts';
import { decide, firstRefusal } from '../policy/decide.ts';
import type { Policy } from '../policy/policy.ts';
import type { Rule } from '../policy/request.ts';
import { refusal } from '../policy/step.ts';
import type { HostTable } from '../store/schema.ts';
import type { Queries, Store } from '../store/store.ts';
import {
  authenticateToken,
  consume,
  hostOfEarlierUse,
  recordUse,
  rejected,
  type Presented,
  type TokenRow,
  whySpent,
} from '../tokens/redeem.ts';
import { createGuesses } from '../tokens/guesses.ts';
import { requestOf } from './facts.ts';
import { checkHostName } from './host-name.ts';
import { LIVE_STATES } from '../store/host-states.ts';
import { createReplacement } from './replace.ts';
import { approvalPending, expirePending, hasExpired } from './pending.ts';

export interface Enrolment {
  tokenId: string;
  tokenSecret: Buffer;
  /** DER. */
  certificateRequest: Buffer;
  hostName: string;
  agentVersion: string;
  /** Where the caller connects from. */
  address: string;
}

export interface Enrolled {
  hostName: string;
  certificate: IssuedCertificate;
}

interface Tools {
  store: Store;
  authorities: Authorities;
  issuance: Issuance;
  /** What follows a revocation. */
  bite: Bite;
  audit: Audit;
  clock: Clock;
  random: Random;
  logger: Logger;
  policy: Policy;
  countRefusal: (rule: Rule) => void;
  identityLifetimeMs: number;
  /** How long a host may wait for a person. */
  approvalExpiryMs: number;
}

/** A token that was found, and a key whose possession was proven. */
interface Admission {
  enrolment: Enrolment;
  token: TokenRow;
  /** DER SubjectPublicKeyInfo. */
  publicKey: Buffer;
  keyFingerprint: string;
}

const HOST_ID_LENGTH = 16;

/**
 * Turns a token and a key into a host. Token, host and the certificate's serial number are stored in one transaction;
 * then the certificate is signed. A caller that repeats the request with the same key, because the answer was
 * lost or the controller died in between, gets the same host and the same certificate. A host whose token needs a
 * person's word gets `APPROVAL_PENDING` until somebody approves it; nothing is signed before.
 */
export function createEnrolment(tools: Tools) {
  const { store, authorities, issuance, audit, clock, random, logger } = tools;
  const turns = new Turns();
  const guesses = createGuesses(tools);
  const { authentic } = authorities;
  const replace = createReplacement({
    ...tools,
    identityOf: (host, publicKey) => identityOf(authentic.check('hosts', host), publicKey),
  });
  const { policy, countRefusal } = tools;

  return async (enrolment: Enrolment): Promise<Enrolled> => {
    const presented = presentedIn(enrolment);
    const token = await authenticateToken(store, presented, { guesses, authentic, logger });
    const spent = whySpent(token, clock.now());
    const { publicKey, fingerprint } = readRequest(enrolment, spent, presented);
    return turns.take(fingerprint, async () => {
      const admission = { enrolment, token, publicKey, keyFingerprint: fingerprint };
      const hostId = await hostOfEarlierUse(store, token.id, fingerprint);
      if (hostId !== undefined) return repeat(hostId, admission);
      if (spent !== undefined) throw rejected(spent, presented, logger);
      if (token.replaces_host_id !== null) {
        judge(newHost(admission, 'active'), admission);
        return replace({ ...admission, presented, agentVersion: enrolment.agentVersion });
      }
      return token.approval === 0 ? join(admission) : ask(admission);
    });
  };

  /** Who holds a token that is spent learns nothing from the rest of the request either. */
  function readRequest({ certificateRequest }: Enrolment, spent: string | undefined, presented: Presented) {
    try {
      return readCertificateRequest(certificateRequest);
    } catch (error) {
      throw spent === undefined ? error : rejected(spent, presented, logger);
    }
  }

  /** Asks the policy as it is now. A caller from where nobody may connect learns no more than with a wrong token. */
  function judge(host: HostTable, { enrolment: { address }, token }: Admission): void {
    const request = { ...requestOf(host, [address]), job: host.job ?? undefined };
    const refused = firstRefusal(decide(policy, request));
    if (refused === undefined) return;
    countRefusal(refused.rule);
    if (refused.rule !== 'policy.source_networks') throw refusal(refused);
    throw rejected(refused.why, { id: token.id, address }, logger);
  }

  /** One transaction for all that an enrolment takes up, whether it is a host at once or waits for a person. */
  async function admit(transaction: Queries, host: HostTable, { enrolment, token, keyFingerprint }: Admission) {
    const use = { presented: presentedIn(enrolment), tokenId: token.id, keyFingerprint, hostId: host.id };
    const now = clock.now();
    await consume(transaction, token, { ...use, now }, logger);
    await expirePending(transaction, { audit, expiryMs: tools.approvalExpiryMs, now });
    await refuseTakenName(transaction, host.name);
    await transaction.insertInto('hosts').values(authentic.seal('hosts', host)).execute();
    await recordUse(transaction, { ...use, now });
    await audit.record(transaction, {
      event: host.state === 'pending' ? 'host.pending' : 'host.enrolled',
      by: stranger(enrolment.address),
      subject: host.name,
      details: { host_id: host.id, token: token.id, key: keyFingerprint },
    });
  }

  async function join(admission: Admission): Promise<Enrolled> {
    const host = newHost(admission, 'active');
    judge(host, admission);
    const draft = issuance.draft(identityOf(host, admission.publicKey));
    await store.transaction().execute(async (transaction) => {
      await admit(transaction, host, admission);
      await issuance.reserve(transaction, draft);
    });
    logger.info('host enrolled', { host: host.name, from: host.address, token: host.token_id });
    return { hostName: host.name, certificate: await issuance.complete(draft.prepared.serial) };
  }

  /** The same up to the certificate: of that nothing exists until a person has said yes. */
  async function ask(admission: Admission): Promise<never> {
    const host = newHost(admission, 'pending');
    judge(host, admission);
    await store.transaction().execute((transaction) => admit(transaction, host, admission));
    logger.info('host waits for approval', { host: host.name, from: host.address, token: host.token_id });
    throw approvalPending(host.name, admission.keyFingerprint);
  }

  async function repeat(hostId: string, admission: Admission): Promise<Enrolled> {
    const { enrolment, keyFingerprint, publicKey } = admission;
    const presented = presentedIn(enrolment);
    const now = clock.now();
    const host = await store.selectFrom('hosts').selectAll().where('id', '=', hostId).executeTakeFirstOrThrow();
    authentic.check('hosts', host);
    if (host.state === 'pending' && !hasExpired(host, tools.approvalExpiryMs, now))
      throw approvalPending(host.name, keyFingerprint);
    if (host.state !== 'active') throw rejected(`its host ${host.name} is ${host.state}`, presented, logger);
    judge(host, admission);
    const rows = await certificatesOfKey(store, keyFingerprint);
    const row = rows.find((candidate) => candidate.host_id === hostId && candidate.role === 'agent');
    const newest = await newestOfLine(store, { role: 'agent', hostId, subjectName: '' });
    if (row === undefined && newest === undefined) {
      // Approved since: this is the first certificate of the key that the person saw.
      return { hostName: host.name, certificate: await issuance.issue(identityOf(host, publicKey)) };
    }
    const superseded = newest !== undefined && newest.serial !== row?.serial;
    const isGone = row === undefined || row.revoked_at !== null;
    if (isGone || superseded || new Date(row.not_after) <= now)
      throw rejected(`its host ${host.name} has moved on`, presented, logger);
    // Not simply completed: the authority that it was reserved under may be gone by now.
    return { hostName: host.name, certificate: await issuance.issue(identityOf(host, publicKey)) };
  }

  function identityOf(host: HostTable, publicKey: Buffer): CertificateOrder {
    return {
      role: 'agent',
      hostId: host.id,
      subjectName: '',
      spiffeId: { trustDomain: authorities.trustDomain, kind: 'agent', host: host.name },
      dnsNames: [],
      ipAddresses: [],
      publicKey,
      lifetimeMs: tools.identityLifetimeMs,
    };
  }

  function newHost({ enrolment, token }: Admission, state: 'active' | 'pending'): HostTable {
    const now = clock.now().toISOString();
    return {
      id: randomId(random, HOST_ID_LENGTH),
      name: token.host_name ?? checkHostName(enrolment.hostName),
      state,
      token_id: token.id,
      job: token.job,
      labels: token.labels,
      addresses: token.addresses,
      exporters: token.exporters,
      address: enrolment.address,
      agent_version: enrolment.agentVersion.slice(0, 64),
      enrolled_at: now,
      last_seen_at: now,
      ended_at: null,
      end_reason: null,
      quarantined_at: null,
      quarantine_reason: null,
      roots_digest: null,
      identity_serial: null,
      other_address: null,
      other_seen_at: null,
      // Sealed when it is stored.
      mac: '',
    };
  }
}

function presentedIn({ tokenId: id, tokenSecret: secret, address }: Enrolment): Presented {
  return { id, secret, address };
}

async function refuseTakenName(queries: Queries, name: string): Promise<void> {
  const taken = await queries
    .selectFrom('hosts')
    .select('id')
    .where('name', '=', name)
    .where('state', 'in', LIVE_STATES)
    .executeTakeFirst();
  if (taken === undefined) return;
  throw new TorchpassError('HOST_NAME_TAKEN', `There is a host "${name}" already.`, {
    hint: `For a server that was reinstalled the operator makes a token with "torchpass token create --replace ${name}"; otherwise choose another name with --host-name.`,
  });
}
