import type { X509Certificate } from 'node:crypto';
import { type Clock, isTorchpassError, TorchpassError } from '@torchpass/core';
import type { DesiredExporter } from '@torchpass/protocol';
import type { CheckedBundle } from '../controller/bundle.ts';
import { checkIssued, namesOf } from '../controller/trust.ts';
import { pemOf } from '../identity/certificate-pair.ts';
import { type Appointments, renewalDue } from '../identity/due.ts';
import type { Enrolment } from '../identity/store.ts';
import type { Generation } from './generation.ts';

/** What should be, from the controller's answer. */
export interface Wanted {
  /** PEM of the authorities whose certificates open the exporter. */
  clientCa: string;
  /** SPIFFE IDs for exporters that can tell clients apart. */
  scraperIds: string[];
  /** Ask for a new certificate whatever the age of the one that is there. */
  renew: boolean;
  /** When the controller wants certificates to be renewed. */
  appointments: Appointments;
  /** An exporter that was last started for a smaller one has to be restarted. */
  restartGeneration: number;
  /** The user's word that exporters were restarted by hand. */
  restarted: boolean;
  /** Throws PROTOCOL_VIOLATION for a chain that is not for this exporter, exactly the announced names and the key. */
  check: (chain: readonly X509Certificate[], belongs: (leaf: X509Certificate) => boolean) => void;
}

/** What else decides. */
interface Terms {
  renew: boolean;
  restarted: boolean;
  appointments: Appointments;
  clock: Clock;
}

export function wantedOf(
  desired: DesiredExporter,
  { scraperAuthorities, scraperIds, rootsPem, restartGeneration }: CheckedBundle,
  { trustDomain, hostName }: Enrolment,
  { renew, restarted, appointments, clock }: Terms,
): Wanted {
  const { name } = desired;
  if (scraperAuthorities.length === 0) {
    throw new TorchpassError(
      'PROTOCOL_VIOLATION',
      'The controller named no scraper authority: nobody could be admitted.',
    );
  }
  return {
    clientCa: pemOf(scraperAuthorities),
    scraperIds,
    renew: renew || desired.renew,
    appointments,
    restartGeneration,
    restarted,
    check: (chain, belongs) => {
      const id = { kind: 'exporter', trustDomain, host: hostName, name } as const;
      const leaf = checkIssued(chain, { rootsPem, id, belongs, now: clock.now() });
      const names = namesOf(leaf);
      if (sameSet(names.dnsNames, desired.dnsNames) && sameSet(names.ipAddresses, desired.ipAddresses)) return;
      throw new TorchpassError(
        'PROTOCOL_VIOLATION',
        `The certificate for the exporter "${name}" does not carry the names that the controller has announced.`,
        { hint: 'Nothing was changed. The next pass asks again.' },
      );
    },
  };
}

/** Whether a generation is what should be, and not yet due. */
export function fits(generation: Generation, wanted: Wanted, now: Date): boolean {
  if (generation.clientCa !== wanted.clientCa || now >= renewalDue(generation.leaf, wanted.appointments)) return false;
  try {
    wanted.check(generation.chain, () => true); // its key was compared when it was read
    return true;
  } catch (error) {
    if (isTorchpassError(error, 'PROTOCOL_VIOLATION')) return false;
    throw error;
  }
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return new Set(a).size === new Set(b).size && a.every((item) => b.includes(item));
}
