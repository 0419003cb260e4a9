import { Turns, type Clock, type Files, type Permissions } from '@torchpass/core';
import { crlsToPem, signCrl, type Role } from '@torchpass/pki';
import { join } from 'node:path';
import { CONTROLLER_ITSELF } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import { ROLES, type Authorities, type Authority } from '../issuance/authorities.ts';
import type { Store } from '../store/store.ts';
import { contentDigest, revokedBy } from './listed.ts';

/** Until its nextUpdate a relying party goes by it, also when the controller is away. */
const LIFETIME_MS = 7 * 86_400_000;
/** Signed anew after this, also when it says the same. */
const RENEW_AFTER_MS = 86_400_000;
/** So long after its end a certificate stays on the list: it is on several regular ones after that (RFC 5280, 3.3). */
const KEEP_ENDED_MS = LIFETIME_MS;

/** The certificate revocation lists, one for each authority that signs (RFC 5280, 5). */
export interface RevocationLists {
  /** Signs what says something new or grows old, and brings the files up to date. Does nothing when all is well. */
  refresh(): Promise<void>;
  /** DER of the newest list of an authority, by the role of the one that signs now or by id. */
  newest(name: string): Promise<Buffer | undefined>;
}

interface Tools {
  store: Store;
  authorities: Authorities;
  audit: Audit;
  files: Files;
  clock: Clock;
  /** Gets a PEM file for each role. */
  folder: string;
  folderPermissions: Permissions;
  permissions: Permissions;
}

export function createRevocationLists(tools: Tools): RevocationLists {
  const { store, authorities, audit, files, clock, folder, permissions } = tools;
  const turns = new Turns();

  return {
    refresh: () =>
      turns.take(folder, async () => {
        await files.makeFolder(folder, tools.folderPermissions);
        for (const role of ROLES) {
          const crls: Buffer[] = [];
          for (const authority of await signing(role)) crls.push(await fresh(authority));
          await writePem(role, crls);
        }
      }),

    async newest(name) {
      const role = ROLES.find((candidate) => candidate === name);
      const id = role === undefined ? name : authorities.active(role).id;
      return (await rowOf(id))?.crl ?? undefined;
    },
  };

  /** The one that signs now, then those on their way out, which may still revoke. */
  async function signing(role: Role): Promise<Authority[]> {
    const retiring = await store
      .selectFrom('authorities')
      .select('id')
      .where('role', '=', role)
      .where('state', '=', 'retiring')
      .execute();
    return [authorities.active(role), ...retiring.flatMap(({ id }) => authorities.open(id) ?? [])];
  }

  function rowOf(authorityId: string) {
    return store.selectFrom('revocation_lists').selectAll().where('authority_id', '=', authorityId).executeTakeFirst();
  }

  /** The list of an authority as it is, or a new one. */
  async function fresh(authority: Authority): Promise<Buffer> {
    const now = clock.now();
    const [row, revoked] = [await rowOf(authority.id), await listed(authority, now)];
    const content = contentDigest(revoked);
    if (row?.crl !== null && row?.crl !== undefined && row.content === content && !isOld(row.this_update, now)) {
      return row.crl;
    }
    const number = await reserveNumber(authority.id, now);
    return sign(authority, number, now);
  }

  function listed(authority: Authority, now: Date) {
    return revokedBy(store, authority.id, new Date(now.getTime() - KEEP_ENDED_MS));
  }

  /** The next one; never below the seconds since 1970, so that a restored backup does not say an old number again. */
  function reserveNumber(authorityId: string, now: Date): Promise<number> {
    const least = Math.floor(now.getTime() / 1000);
    return store.transaction().execute(async (transaction) => {
      const row = await transaction
        .selectFrom('revocation_lists')
        .select('reserved_number')
        .where('authority_id', '=', authorityId)
        .executeTakeFirst();
      const reserved_number = Math.max(least, (row?.reserved_number ?? 0) + 1);
      await transaction
        .insertInto('revocation_lists')
        .values({ authority_id: authorityId, reserved_number })
        .onConflict((conflict) => conflict.column('authority_id').doUpdateSet({ reserved_number }))
        .execute();
      return reserved_number;
    });
  }

  async function sign(authority: Authority, number: number, thisUpdate: Date): Promise<Buffer> {
    const nextUpdate = new Date(thisUpdate.getTime() + LIFETIME_MS);
    const revoked = await listed(authority, thisUpdate);
    const crl = await signCrl(authority, { number, thisUpdate, nextUpdate, revoked }, authority.signer);
    await store.transaction().execute(async (transaction) => {
      await transaction
        .updateTable('revocation_lists')
        .set({
          crl,
          number,
          this_update: thisUpdate.toISOString(),
          next_update: nextUpdate.toISOString(),
          content: contentDigest(revoked),
        })
        .where('authority_id', '=', authority.id)
        .execute();
      await audit.record(transaction, {
        event: 'crl.signed',
        by: CONTROLLER_ITSELF,
        subject: authority.id,
        details: { role: authority.role, number, certificates: revoked.length },
      });
    });
    return crl;
  }

  async function writePem(role: Role, crls: readonly Buffer[]): Promise<void> {
    const path = join(folder, `${role}.pem`);
    const text = crlsToPem(crls);
    if ((await files.read(path))?.toString('utf8') !== text) await files.write(path, { data: text, ...permissions });
  }
}

/** Or from the future, after the clock was set back. */
function isOld(thisUpdate: string | null, now: Date): boolean {
  const age = now.getTime() - new Date(thisUpdate ?? 0).getTime();
  return age >= RENEW_AFTER_MS || age < 0;
}
