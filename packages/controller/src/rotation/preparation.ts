import { TorchpassError, type Clock, type Random } from '@torchpass/core';
import {
  newSerialNumber,
  prepareIssuingAuthority,
  prepareRoot,
  readPublicKeyOf,
  signAuthority,
  type Signer,
} from '@torchpass/pki';
import type { Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import { BACKDATE_MS, type Authorities } from '../issuance/authorities.ts';
import { insertAuthorities } from '../issuance/authority-rows.ts';
import type { Queries, Store } from '../store/store.ts';
import type { AuthorityRole, DraftRow } from './situation.ts';

export interface PreparationTools {
  store: Store;
  authorities: Authorities;
  audit: Audit;
  clock: Clock;
  random: Random;
  rootLifetimeMs: number;
  issuingLifetimeMs: number;
}

/** Makes new authorities: key and to-be-signed part are stored, then signed, then stored as `prepared`. */
export function createPreparation(tools: PreparationTools) {
  const { store, authorities, audit, clock, random } = tools;
  const { authentic } = authorities;
  const sealed = (draft: Omit<DraftRow, 'mac'>): DraftRow => authentic.seal('authority_drafts', draft);

  return {
    /** Makes key and draft. Nothing is stored. */
    async draft(role: AuthorityRole): Promise<DraftRow> {
      const now = clock.now();
      const serialNumber = newSerialNumber(random);
      const id = serialNumber.toString('hex');
      const { reference, signer } = await authorities.keys.create({ id, role });
      const lifetimeMs = role === 'root' ? tools.rootLifetimeMs : tools.issuingLifetimeMs;
      const asked = {
        trustDomain: authorities.trustDomain,
        serialNumber,
        notBefore: new Date(now.getTime() - BACKDATE_MS),
        notAfter: new Date(now.getTime() + lifetimeMs),
      };
      const draft = { id, role, key_reference: reference, reserved_at: now.toISOString() };
      if (role === 'root') {
        return sealed({ ...draft, issued_by: null, ...asColumns(prepareRoot({ ...asked, signer })) });
      }
      const root = authorities.activeRoot();
      const rootSigner = { publicKey: readPublicKeyOf(root.certificate) };
      const { publicKey } = signer;
      const prepared = prepareIssuingAuthority({ ...asked, role, root: root.certificate, rootSigner, publicKey });
      return sealed({ ...draft, issued_by: root.id, ...asColumns(prepared) });
    },

    /** Puts a draft on record, in the caller's transaction, before it is signed. */
    async reserve(transaction: Queries, draft: DraftRow, by: Actor): Promise<void> {
      await transaction.insertInto('authority_drafts').values(draft).execute();
      const details = { role: draft.role, issued_by: draft.issued_by, not_after: draft.not_after };
      await audit.record(transaction, { event: 'authority.reserved', by, subject: draft.id, details });
    },

    /** Signs a draft that is on record and makes it `prepared`. ROW_NOT_AUTHENTIC, LINT_FAILED. */
    async sign(draft: DraftRow, by: Actor): Promise<void> {
      const { id, tbs, role } = authentic.check('authority_drafts', draft);
      const prepared = {
        serial: id,
        tbs,
        notBefore: new Date(draft.not_before),
        notAfter: new Date(draft.not_after),
      };
      const { publicKey } = await ownSigner(draft);
      await this.adopt(draft, await signAuthority(prepared, { role, publicKey }, await signerOf(draft)), by);
    },

    /**
     * Makes an authority of a draft and its certificate, which has to be for the key that the draft sealed. When another did so
     * meanwhile, nothing changes. ROW_NOT_AUTHENTIC, CERTIFICATE_UNTRUSTED.
     */
    async adopt(draft: DraftRow, certificate: Buffer, by: Actor): Promise<void> {
      const { id, role, key_reference, issued_by, tbs, not_before, not_after } = authentic.check(
        'authority_drafts',
        draft,
      );
      if (!readPublicKeyOf(certificate).equals((await ownSigner(draft)).publicKey)) {
        throw new TorchpassError(
          'CERTIFICATE_UNTRUSTED',
          'The certificate of the authority is for a key that is not ours.',
        );
      }
      await store.transaction().execute(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('authority_drafts')
          .where('id', '=', id)
          .executeTakeFirst();
        if (numDeletedRows === 0n) return;
        await insertAuthorities(transaction, authentic, [
          {
            id,
            role,
            key_reference,
            issued_by,
            tbs,
            not_before,
            not_after,
            certificate,
            state: 'prepared',
            created_at: clock.now().toISOString(),
            distributed_at: null,
            activated_at: null,
            retired_at: null,
            dropped_at: null,
            gone_at: null,
          },
        ]);
        const details = { role, issued_by, not_after };
        await audit.record(transaction, { event: 'authority.prepared', by, subject: id, details });
      });
    },
  };

  function ownSigner({ id, key_reference }: DraftRow): Promise<Signer> {
    return authorities.keys.open(key_reference, id);
  }

  function signerOf({ id, key_reference, issued_by }: DraftRow): Promise<Signer> {
    return issued_by === null ? authorities.keys.open(key_reference, id) : authorities.rootSigner(issued_by);
  }
}

function asColumns({ tbs, notBefore, notAfter }: { tbs: Buffer; notBefore: Date; notAfter: Date }) {
  return { tbs, not_before: notBefore.toISOString(), not_after: notAfter.toISOString() };
}
