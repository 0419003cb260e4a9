import { randomId, TorchpassError, Turns, type Clock, type Logger, type Random } from '@torchpass/core';
import { readCertificateRequest } from '@torchpass/pki';
import { stranger } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { Authorities } from '../issuance/authorities.ts';
import type { IssuedCertificate, Issuance } from '../issuance/issuance.ts';
import { certificatesOfKey, newestOfLine } from '../issuance/ledger.ts';
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
import { checkHostName } from './host-name.ts';
import { LIVE_STATES } from '../store/host-states.ts';

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
  audit: Audit;
  clock: Clock;
  random: Random;
  logger: Logger;
  identityLifetimeMs: number;
}

const HOST_ID_LENGTH = 16;

/**
 * Turns a token and a key into a host. Token, host and the certificate's serial number are stored in one transaction;
 * then the certificate is signed. A caller that repeats the request with the same key, because the answer was
 * lost or the controller died in between, gets the same host and the same certificate.
 */
export function createEnrolment(tools: Tools) {
  const { store, authorities, issuance, audit, clock, random, logger } = tools;
  const turns = new Turns();
  const guesses = createGuesses(tools);

  return async (enrolment: Enrolment): Promise<Enrolled> => {
    const presented = presentedIn(enrolment);
    const token = await authenticateToken(store, presented, { guesses, logger });
    const spent = whySpent(token, clock.now());
    const { publicKey, fingerprint } = readRequest(enrolment, spent, presented);
    return turns.take(fingerprint, async () => {
      const hostId = await hostOfEarlierUse(store, token.id, fingerprint);
      if (hostId !== undefined) return repeat(hostId, fingerprint, presented);
      if (spent !== undefined) throw rejected(spent, presented, logger);
      return join(enrolment, token, publicKey, fingerprint);
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

  async function join(
    enrolment: Enrolment,
    token: TokenRow,
    publicKey: Buffer,
    keyFingerprint: string,
  ): Promise<Enrolled> {
    const host = newHost(enrolment, token);
    const draft = issuance.draft({
      role: 'agent',
      hostId: host.id,
      subjectName: '',
      spiffeId: { trustDomain: authorities.trustDomain, kind: 'agent', host: host.name },
      dnsNames: [],
      ipAddresses: [],
      publicKey,
      lifetimeMs: tools.identityLifetimeMs,
    });
    const presented = presentedIn(enrolment);
    await store.transaction().execute(async (transaction) => {
      const use = { presented, tokenId: token.id, keyFingerprint, hostId: host.id, now: clock.now() };
      await consume(transaction, token, use, logger);
      await refuseTakenName(transaction, host.name);
      await transaction.insertInto('hosts').values(host).execute();
      await recordUse(transaction, use);
      await issuance.reserve(transaction, draft);
      await audit.record(transaction, {
        event: 'host.enrolled',
        by: stranger(enrolment.address),
        subject: host.name,
        details: { host_id: host.id, token: token.id, key: keyFingerprint, serial: draft.prepared.serial },
      });
    });
    logger.info('host enrolled', { host: host.name, from: host.address, token: token.id });
    return { hostName: host.name, certificate: await issuance.complete(draft.prepared.serial) };
  }

  async function repeat(hostId: string, keyFingerprint: string, presented: Presented): Promise<Enrolled> {
    const host = await store.selectFrom('hosts').selectAll().where('id', '=', hostId).executeTakeFirstOrThrow();
    const rows = await certificatesOfKey(store, keyFingerprint);
    const row = rows.find((candidate) => candidate.host_id === hostId && candidate.role === 'agent');
    const newest = await newestOfLine(store, { role: 'agent', hostId, subjectName: '' });
    const superseded = newest !== undefined && newest.serial !== row?.serial;
    if (host.state !== 'active' || row === undefined || superseded || new Date(row.not_after) <= clock.now()) {
      throw rejected(`its host ${host.name} has moved on`, presented, logger);
    }
    return { hostName: host.name, certificate: await issuance.complete(row.serial) };
  }

  function newHost(enrolment: Enrolment, token: TokenRow): HostTable {
    const now = clock.now().toISOString();
    return {
      id: randomId(random, HOST_ID_LENGTH),
      name: token.host_name ?? checkHostName(enrolment.hostName),
      state: 'active',
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
    hint: 'Choose another name with --host-name, or have the operator revoke the old host first.',
  });
}
