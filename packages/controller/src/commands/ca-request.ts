import { TorchpassError, type Secret } from '@torchpass/core';
import { certificatesFromPem, checkSignedElsewhere, requestWithSigner } from '@torchpass/pki';
import type { Actor } from '../audit/actor.ts';
import { createAudit } from '../audit/audit.ts';
import { openAuthorities, ROLES, type Authorities } from '../issuance/authorities.ts';
import { createPreparation } from '../rotation/preparation.ts';
import { readAuthorityRequest, renderAuthorityRequest } from '../rotation/authority-request.ts';
import { openStore, type Store } from '../store/store.ts';
import { demandStorage } from './storage.ts';
import type { Base } from './surroundings.ts';

/** The work of `ca request`: what a rotation waits for, as a file for the machine that has the root's key. */
export function requestAuthority(base: Base, { role, out }: { role: string; out: string }, passphrase: Secret) {
  return withStore(base, passphrase, async (store, authorities) => {
    const drafts = await store.selectFrom('authority_drafts').selectAll().execute();
    const waiting = drafts.find((row) => row.role === role);
    const asked = ROLES.find((one) => one === role);
    if (waiting === undefined || asked === undefined) throw nothingWaits(role);
    authorities.authentic.check('authority_drafts', waiting);
    const signer = await authorities.keys.open(waiting.key_reference, waiting.id);
    const text = renderAuthorityRequest({
      role: asked,
      trustDomain: authorities.trustDomain,
      serial: waiting.id,
      notBefore: waiting.not_before,
      notAfter: waiting.not_after,
      request: (await requestWithSigner(signer)).toString('base64'),
    });
    await base.files.write(out, { data: text, mode: 0o644 });
    return [
      `The request for the ${asked} authority is in ${out}. Its key: ${readAuthorityRequest(text).fingerprint}`,
      'Where the root is: torchpass-controller ca sign --root-key ROOT --request FILE --out CERTIFICATE',
      'Then here: torchpass-controller ca import CERTIFICATE',
    ];
  });
}

/** The work of `ca import`: takes the certificate for what a rotation waits for; the running controller goes on with it. */
export function importAuthority(base: Base, path: string, passphrase: Secret, by: Actor): Promise<string[]> {
  return withStore(base, passphrase, async (store, authorities) => {
    const { config, clock, random, files } = base;
    const [certificate] = certificatesFromPem((await files.read(path)) ?? '');
    if (certificate === undefined)
      throw new TorchpassError('CERTIFICATE_INVALID', `There is no certificate in ${path}.`);
    const drafts = await store.selectFrom('authority_drafts').selectAll().execute();
    const draft = drafts.find((row) => certificate.includes(Buffer.from(row.id, 'hex')));
    if (draft === undefined) throw nothingWaits('any');
    checkSignedElsewhere(draft, certificate, authorities.certificateOf(draft.issued_by ?? ''));
    const audit = createAudit({ key: authorities.sealing.derive('audit log'), clock });
    const { root_lifetime: rootLifetimeMs, issuing_lifetime: issuingLifetimeMs } = config.authorities;
    const preparation = createPreparation({
      store,
      authorities,
      audit,
      clock,
      random,
      rootLifetimeMs,
      issuingLifetimeMs,
    });
    await preparation.adopt(draft, certificate, by);
    return [`The ${draft.role} authority ${draft.id} is prepared; the rotation goes on: torchpass ca list`];
  });
}

async function withStore<T>(
  base: Base,
  passphrase: Secret,
  work: (store: Store, authorities: Authorities) => Promise<T>,
): Promise<T> {
  const path = await demandStorage(base.config);
  const store = await openStore({ path, clock: base.clock, wrap: base.seams?.wrapDialect });
  try {
    return await work(store, await openAuthorities(store, passphrase, { token: base.token }));
  } finally {
    await store.destroy();
  }
}

function nothingWaits(role: string): TorchpassError {
  return new TorchpassError('NOT_FOUND', `No rotation of ${role} authority waits for a signature.`, {
    hint: 'Begin one: torchpass ca rotate AUTHORITY',
  });
}
