import { TorchpassError } from '@torchpass/core';
import type { CreateTokenRequest } from '../api/types.ts';
import { checkHostName } from '../hosts/host-name.ts';
import { findReplaceable } from '../hosts/replace.ts';
import type { Queries } from '../store/store.ts';
import type { TokenRow } from './redeem.ts';

/**
 * The host whose place a token gives away: one use, bound to this record and not just to its name. `NOT_FOUND` when there is
 * none, `REQUEST_INVALID` for what the host has already.
 */
export async function findReplaced(
  queries: Queries,
  request: CreateTokenRequest,
): Promise<Pick<TokenRow, 'host_name' | 'replaces_host_id' | 'job' | 'labels' | 'addresses' | 'exporters'>> {
  const name = checkHostName(request.replace ?? '');
  const { job, labels, addresses, exporters, approval, uses, hostName } = request;
  const given = [addresses, exporters, Object.keys(labels)].some((list) => list.length > 0);
  if (job !== null || given || approval || uses !== 1 || (hostName !== undefined && hostName !== name)) {
    throw new TorchpassError(
      'REQUEST_INVALID',
      'A token that replaces a host has one use and leaves the host as it is.',
      {
        hint: 'Leave out host name, job, labels, addresses, exporters, approval and uses; the host keeps its own.',
      },
    );
  }
  const host = await findReplaceable(queries, name);
  if (host === undefined) {
    throw new TorchpassError('NOT_FOUND', `There is no host ${JSON.stringify(name)} to replace.`, {
      hint: 'Its name is free: make a token without --replace. See also "torchpass host list".',
    });
  }
  const kept = { job: host.job, labels: host.labels, addresses: host.addresses, exporters: host.exporters };
  return { ...kept, host_name: name, replaces_host_id: host.id };
}
