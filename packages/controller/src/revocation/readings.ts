import { ROLES, type Authorities } from '../issuance/authorities.ts';
import type { Reading, Sample } from '../metrics.ts';
import { countRevoked, revocationListEnds } from '../store/counts.ts';
import type { Store } from '../store/store.ts';
import { countWaiting } from './scraper-status.ts';

/** What of revocation is read from the state whenever somebody asks. */
export function revocationReadings({ store, authorities }: { store: Store; authorities: Authorities }): Reading[] {
  return [
    {
      name: 'torchpass_crl_next_update_timestamp_seconds',
      help: 'Until when the newest revocation list of an authority is good.',
      labels: ['role'],
      read: async () => {
        const ends = await revocationListEnds(store);
        return ROLES.flatMap((role): Sample[] => {
          const end = ends.get(authorities.active(role).id);
          return end === undefined ? [] : [[{ role }, end.getTime() / 1000]];
        });
      },
    },
    {
      name: 'torchpass_certificates_revoked_total',
      help: 'Certificates that were ever revoked, by role.',
      type: 'counter',
      labels: ['role'],
      read: async () => {
        const counts = await countRevoked(store);
        return ROLES.map((role) => [{ role }, counts.get(role) ?? 0]);
      },
    },
    {
      name: 'torchpass_scraper_revocation_waiting',
      help: "Exporters that were not yet seen to refuse the scraper's key that was given up last.",
      read: async () => [[{}, await countWaiting(store, authorities)]],
    },
  ];
}
