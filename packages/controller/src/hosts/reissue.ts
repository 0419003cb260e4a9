import { createHash } from 'node:crypto';
import type { Clock } from '@torchpass/core';
import type { Authorities } from '../issuance/authorities.ts';
import type { CertificateTable } from '../store/schema.ts';

/** Which certificates of hosts have to be replaced because their authority is not the one that signs now. */
export interface Reissue {
  isDue(row: Pick<CertificateTable, 'serial' | 'role' | 'authority_id'>): boolean;
  /** Since when Prometheus scrapes with a certificate of the scraper authority of today. */
  scraperSince(): Date;
}

interface Tools {
  authorities: Authorities;
  clock: Clock;
  /** How long after a change of authority the last certificate becomes due. */
  spreadMs: number;
}

/** Spread by a hash of the serial number, so that a fleet that checks in together does not renew together. */
export function createReissue({ authorities, clock, spreadMs }: Tools): Reissue {
  const isDue: Reissue['isDue'] = ({ serial, role, authority_id }) => {
    const { id, activatedAt } = authorities.active(role);
    if (authority_id === id) return false;
    // One whose authority is trusted no more works nowhere: nothing is gained by waiting.
    if (authorities.open(authority_id) === undefined) return true;
    const share = createHash('sha256').update(serial).digest().readUInt32BE(0) / 2 ** 32;
    return clock.now().getTime() >= activatedAt.getTime() + spreadMs * share;
  };
  return {
    isDue,
    scraperSince() {
      const { distributedAt, activatedAt } = authorities.active('scraper');
      return distributedAt ?? activatedAt;
    },
  };
}
