import type { Clock, Random } from '@torchpass/core';
import { newSerialNumber, prepareIssuingAuthority, prepareRoot, signAuthority, type Signer } from '@torchpass/pki';
import { X509Certificate } from 'node:crypto';
import type { Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import { BACKDATE_MS, type Authorities } from '../issuance/authorities.ts';
import type { Queries, Store } from '../store/store.ts';
import type { AuthorityRole, AuthorityRow, DraftRow } from './situation.ts';

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
        return { ...draft, issued_by: null, ...asColumns(prepareRoot({ ...asked, signer })) };
      }
      const root = await activeRoot(store);
      const rootSigner = { publicKey: readPublicKeyOf(root.certificate) };
      const { publicKey } = signer;
      const prepared = prepareIssuingAuthority({ ...asked, role, root: root.certificate, rootSigner, publicKey });
      return { ...draft, issued_by: root.id, ...asColumns(prepared) };
    },

    /** Puts a draft on record, in the caller's transaction, before it is signed. */
    async reserve(transaction: Queries, draft: DraftRow, by: Actor): Promise<void> {
      await transaction.insertInto('authority_drafts').values(draft).execute();
      const details = { role: draft.role, issued_by: draft.issued_by, not_after: draft.not_after };
      await audit.record(transaction, { event: 'authority.reserved', by, subject: draft.id, details });
    },

    /** Signs a draft that is on record and makes it `prepared`. */
    async sign(draft: DraftRow, by: Actor): Promise<void> {
      const { id, tbs } = draft;
      const prepared = {
        serial: id,
        tbs,
        notBefore: new Date(draft.not_before),
        notAfter: new Date(draft.not_after),
      };
      await this.adopt(draft, await signAuthority(prepared, draft.role, await signerOf(draft)), by);
    },

    /** Makes an authority of a draft and its certificate. When another did so meanwhile, nothing changes. */
    async adopt(draft: DraftRow, certificate: Buffer, by: Actor): Promise<void> {
      const { id, role, key_reference, issued_by, tbs, not_before, not_after } = draft;
      await store.transaction().execute(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom('authority_drafts')
          .where('id', '=', id)
          .executeTakeFirst();
        if (numDeletedRows === 0n) return;
        await transaction
          .insertInto('authorities')
          .values({
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
          })
          .execute();
        const details = { role, issued_by, not_after };
        await audit.record(transaction, { event: 'authority.prepared', by, subject: id, details });
      });
    },
  };

  function signerOf({ id, key_reference, issued_by }: DraftRow): Promise<Signer> {
    return issued_by === null ? authorities.keys.open(key_reference, id) : authorities.rootSigner(issued_by);
  }
}

/** DER SubjectPublicKeyInfo. */
export function readPublicKeyOf(certificate: Buffer): Buffer {
  return new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
}

export async function activeRoot(queries: Queries): Promise<AuthorityRow> {
  return queries
    .selectFrom('authorities')
    .selectAll()
    .where('role', '=', 'root')
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow();
}

function asColumns({ tbs, notBefore, notAfter }: { tbs: Buffer; notBefore: Date; notAfter: Date }) {
  return { tbs, not_before: notBefore.toISOString(), not_after: notAfter.toISOString() };
}
