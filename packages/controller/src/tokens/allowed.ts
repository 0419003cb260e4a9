import type { Narrowing } from '../policy/request.ts';
import { listFrom } from '../store/json.ts';
import type { TokenRow } from './redeem.ts';

/** What a token allows, for the policy to compare with. */
export function allowedBy(
  row: Pick<TokenRow, 'host_name' | 'networks' | 'job' | 'exporters' | 'addresses'>,
): Narrowing & { networks: string[] } {
  return {
    hostName: row.host_name ?? undefined,
    networks: listFrom(row.networks),
    job: row.job ?? undefined,
    exporters: listFrom(row.exporters),
    addresses: listFrom(row.addresses),
  };
}
