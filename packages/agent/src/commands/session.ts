import { formatHostPort, isTorchpassError, TorchpassError } from '@torchpass/core';
import type { Controller } from '../controller/client.ts';
import { type CheckedBundle, checkBundle, sameCertificates } from '../controller/bundle.ts';
import { renewIdentity } from '../identity/issue.ts';
import { rejoinHint } from '../identity/rejoin.ts';
import { type Identity, writeEnrolment } from '../identity/store.ts';
import type { TrustBundle } from '@torchpass/protocol';
import type { Seams } from './seams.ts';

/** One conversation with the controller as this host. */
export interface Session {
  readonly identity: Identity;
  readonly controller: Controller;
  /** Gets a new identity and goes on with it. */
  renew(): Promise<void>;
  /** Checks the trust that an answer brought, and keeps it. */
  adopt(bundle: TrustBundle | undefined): Promise<CheckedBundle>;
  close(): void;
}

export function openSession(enrolled: Identity, seams: Seams, signal: AbortSignal | undefined): Session {
  const { files, layout, clock } = seams;
  // The controller may have moved: what is configured now counts more than what was true at the enrolment.
  let identity: Identity = { ...enrolled, controller: seams.settings.controller ?? enrolled.controller };
  const recorded = { address: formatHostPort(enrolled.controller), rootsPem: enrolled.rootsPem };
  const open = () =>
    seams.connect({ address: identity.controller, trust: identity, identity: identity.pair, clock, signal });
  let controller = open();
  return {
    get identity() {
      return identity;
    },
    get controller() {
      return controller;
    },
    async renew() {
      identity = await renewIdentity(identity, controller, { layout, files, clock });
      controller.close();
      controller = open();
    },
    async adopt(bundle) {
      const name = formatHostPort(identity.controller);
      const checked = checkBundle(bundle, { trust: identity, shown: controller.shown, name, clock });
      if (name !== recorded.address || !sameCertificates(checked.rootsPem, recorded.rootsPem)) {
        const { pair: _, ...enrolment } = { ...identity, rootsPem: checked.rootsPem };
        await writeEnrolment(layout, enrolment, files);
        identity = { ...identity, rootsPem: checked.rootsPem };
        recorded.address = name;
        recorded.rootsPem = checked.rootsPem;
      }
      return checked;
    },
    close: () => controller.close(),
  };
}

/** Adds the way out to an identity that the controller does not take. */
export function explainRejection(error: unknown, { hostName, controller, pair }: Identity, now: Date): unknown {
  if (!isTorchpassError(error, 'IDENTITY_REJECTED', 'IDENTITY_REQUIRED')) return error;
  const { validToDate } = pair.leaf;
  const why = validToDate < now ? ` It expired at ${validToDate.toISOString()}.` : '';
  return new TorchpassError(
    'IDENTITY_REJECTED',
    `The controller at ${formatHostPort(controller)} does not accept the identity of host "${hostName}".${why}`,
    { cause: error, hint: rejoinHint(hostName) },
  );
}
