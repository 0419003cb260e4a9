import { createPrivateKey } from 'node:crypto';
import { type Clock, type Files, TorchpassError } from '@torchpass/core';
import { createCertificateRequest } from '@torchpass/pki';
import type { Controller } from '../controller/client.ts';
import { checkIssued } from '../controller/trust.ts';
import type { Layout } from '../storage/layout.ts';
import { type CertificatePair, certificatesFromDer, pemOf } from './certificate-pair.ts';
import { renewalDue } from './due.ts';
import { obtain } from './obtain.ts';
import type { PendingKey } from './pending-key.ts';
import { type Identity, writePair } from './store.ts';

/** A certificate request for this key: it proves possession, nothing more. */
export function requestFor(key: PendingKey): Buffer {
  return createCertificateRequest(createPrivateKey(key.pem));
}

/** What has come back for `key`, as a pair. */
export function pairOf(chain: readonly Uint8Array[] | undefined, key: PendingKey): CertificatePair {
  const certificates = certificatesFromDer(chain ?? []);
  const [leaf] = certificates;
  if (leaf === undefined) throw new TorchpassError('PROTOCOL_VIOLATION', 'The controller sent no certificate.');
  return { leaf, chain: certificates, chainPem: pemOf(certificates), keyPem: key.pem };
}

/** Gets a new certificate for the host itself, with a new key, and puts it to use. */
export async function renewIdentity(
  identity: Identity,
  controller: Controller,
  { layout, files, clock }: { layout: Layout; files: Files; clock: Clock },
): Promise<Identity> {
  const pair = await obtain(
    {
      nextKey: layout.identity.nextKey,
      staleKeyErrors: ['PROTOCOL_VIOLATION', 'KEY_REUSED', 'CSR_INVALID'],
      ask: async (key) => {
        const { certificate } = await controller.issueCertificate({
          purpose: { $case: 'identity', value: {} },
          certificateRequest: requestFor(key),
        });
        const pair = pairOf(certificate?.chain, key);
        checkIssued(pair.chain, {
          rootsPem: identity.rootsPem,
          id: { kind: 'agent', trustDomain: identity.trustDomain, host: identity.hostName },
          belongs: (leaf) => key.belongsTo(leaf),
          now: clock.now(),
        });
        refuseDue(pair, clock);
        return pair;
      },
    },
    files,
  );
  await writePair(layout, pair, files);
  await files.remove(layout.identity.nextKey);
  return { ...identity, pair };
}

/** The answer to a request that was made long ago may be due for renewal itself. */
export function refuseDue(pair: CertificatePair, clock: Clock): void {
  if (clock.now() < renewalDue(pair.leaf)) return;
  throw new TorchpassError('PROTOCOL_VIOLATION', 'The controller sent a certificate that is already due for renewal.', {
    hint: 'If it goes on, compare the clocks of this machine and of the controller.',
  });
}
