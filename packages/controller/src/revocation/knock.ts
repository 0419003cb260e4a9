import type { Clock } from '@torchpass/core';
import { certificatesToPem, generatePrivateKey, privateKeyToPem, publicKeyInfo } from '@torchpass/pki';
import { probeTls, type ProbeCredentials, type ProbeOutcome, type ProbeTarget } from '@torchpass/prometheus';
import type { Authorities } from '../issuance/authorities.ts';
import type { Issuance } from '../issuance/issuance.ts';
import type { Store } from '../store/store.ts';

/** Longer than a host is off and still comes back as itself. */
const LIFETIME_MS = 180 * 86_400_000;
const LARGEST_LOOK_BYTES = 4096;

/** A certificate of the authority that is about to be given up, with its key sealed: what the thief has, in our hands. */
export interface SealedKnock {
  knock_certificate: string;
  knock_key: string;
  knock_not_after: string;
}

/** Tries to get in at a target with these credentials. */
export type TryKnock = (target: ProbeTarget & { connectTo: string }, client: ProbeCredentials) => Promise<ProbeOutcome>;

interface Tools {
  store: Store;
  authorities: Authorities;
  issuance: Issuance;
  /** The name that exporters admit: what is tried has to differ from Prometheus in its authority alone. */
  scraperName: string;
  clock: Clock;
}

export function createKnocks({ store, authorities, issuance, scraperName, clock }: Tools) {
  return {
    /** Made while the authority still signs. */
    async make(generation: number): Promise<SealedKnock> {
      const key = await generatePrivateKey();
      const { trustDomain, sealing } = authorities;
      const issued = await issuance.renewWithSameKey({
        role: 'scraper',
        hostId: null,
        subjectName: `refused-${generation}`,
        spiffeId: { trustDomain, kind: 'scraper', name: scraperName },
        dnsNames: [],
        ipAddresses: [],
        publicKey: publicKeyInfo(key),
        lifetimeMs: LIFETIME_MS,
      });
      return {
        knock_certificate: certificatesToPem(issued.chain),
        knock_key: sealing.seal(key, contextOf(generation)),
        knock_not_after: issued.notAfter.toISOString(),
      };
    },

    /** What has to be refused since this generation began; undefined when there is nothing, or it has ended by now. */
    async open(generation: number): Promise<ProbeCredentials | undefined> {
      const row = await store
        .selectFrom('scraper_revocations')
        .selectAll()
        .where('generation', '=', generation)
        .executeTakeFirst();
      if (row === undefined || new Date(row.knock_not_after) <= clock.now()) return undefined;
      const key = authorities.sealing.unseal(row.knock_key, contextOf(generation));
      return { certificate: row.knock_certificate, key: privateKeyToPem(key) };
    },
  };
}

export type Knocks = ReturnType<typeof createKnocks>;

/** The exporter has to be the right one: its certificate is verified, as Prometheus does. */
export function knockOverTls(authorities: Authorities, timeoutMs: number): TryKnock {
  return ({ connectTo, ...target }, client) =>
    probeTls(target, {
      trust: certificatesToPem([...authorities.trusted('exporter')]),
      client,
      timeoutMs,
      maxBytes: LARGEST_LOOK_BYTES,
      connectTo,
    });
}

function contextOf(generation: number): string {
  return `knock ${generation}`;
}
