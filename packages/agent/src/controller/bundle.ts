import type { X509Certificate } from 'node:crypto';
import { type Clock, TorchpassError } from '@torchpass/core';
import type { TrustBundle } from '@torchpass/protocol';
import { certificatesFromDer, certificatesOf, pemOf } from '../identity/certificate-pair.ts';
import { checkController, type ControllerTrust } from './trust.ts';

/** A trust bundle that was checked. */
export interface CheckedBundle extends ControllerTrust {
  scraperAuthorities: X509Certificate[];
  scraperIds: string[];
  restartGeneration: number;
}

/**
 * Checks the trust that a controller hands out: the same trust domain, every scraper authority issued by a root, and the
 * controller that we are speaking with still one that we would accept. A bundle that shuts its own sender out would cut
 * this host off for ever.
 *
 * Errors: PROTOCOL_VIOLATION, CERTIFICATE_UNTRUSTED.
 */
export function checkBundle(
  bundle: TrustBundle | undefined,
  speaking: { trust: ControllerTrust; shown: readonly X509Certificate[]; name: string; clock: Clock },
): CheckedBundle {
  if (bundle === undefined || bundle.roots.length === 0) throw violation('it names no root.');
  if (bundle.trustDomain !== speaking.trust.trustDomain)
    throw violation(`it is for the trust domain "${bundle.trustDomain}".`);
  const roots = certificatesFromDer(bundle.roots);
  const scraperAuthorities = certificatesFromDer(bundle.scraperAuthorities);
  for (const authority of scraperAuthorities) {
    const issued = roots.some((root) => authority.checkIssued(root) && authority.verify(root.publicKey));
    if (!issued || !authority.ca) throw violation('it has a scraper authority that none of its roots has issued.');
  }
  const trust = { rootsPem: pemOf(roots), trustDomain: bundle.trustDomain };
  checkController(speaking.shown, trust, speaking.name, speaking.clock);
  return { ...trust, scraperAuthorities, scraperIds: bundle.scraperIds, restartGeneration: bundle.restartGeneration };
}

/** Whether two PEM texts hold the same certificates, in any order. */
export function sameCertificates(a: string, b: string): boolean {
  const prints = (pem: string) =>
    [...new Set(certificatesOf(pem).map(({ fingerprint256 }) => fingerprint256))].toSorted();
  return prints(a).join() === prints(b).join();
}

function violation(why: string): TorchpassError {
  return new TorchpassError('PROTOCOL_VIOLATION', `The controller sent trust that is not usable: ${why}`, {
    hint: 'Nothing was changed. Look at the log of the controller.',
  });
}
