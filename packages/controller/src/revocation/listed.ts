import type { RevokedCertificate } from '@torchpass/pki';
import { createHash } from 'node:crypto';
import type { Queries } from '../store/store.ts';

/**
 * What the revocation list of an authority has to say: every revoked certificate of it that has not ended before `endedSince`, by
 * serial number. Also those that were never signed: nobody should have them, and saying so costs nothing.
 */
export async function revokedBy(
  queries: Queries,
  authorityId: string,
  endedSince: Date,
): Promise<RevokedCertificate[]> {
  const rows = await queries
    .selectFrom('certificates')
    .select(['serial', 'revoked_at', 'revocation_reason'])
    .where('authority_id', '=', authorityId)
    .where('revoked_at', 'is not', null)
    .where('not_after', '>', endedSince.toISOString())
    .orderBy('serial')
    .execute();
  return rows.flatMap(({ serial, revoked_at: revokedAt, revocation_reason: reason }) =>
    revokedAt === null ? [] : [{ serial, revokedAt: new Date(revokedAt), reason: reason ?? 'unspecified' }],
  );
}

/** Tells two lists apart that say different things. */
export function contentDigest(revoked: readonly RevokedCertificate[]): string {
  const text = JSON.stringify(
    revoked.map(({ serial, revokedAt, reason }) => [serial, revokedAt.toISOString(), reason]),
  );
  return createHash('sha256').update(text).digest('hex');
}
