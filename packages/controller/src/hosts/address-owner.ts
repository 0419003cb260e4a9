import { toJson } from '../store/json.ts';
import type { Queries } from '../store/store.ts';
import type { DesiredExporter } from './desired-exporter.ts';
import { LIVE_STATES } from '../store/host-states.ts';

/**
 * An address belongs to one live host: a certificate for it would answer in the other's name. Gives the exporter back,
 * refused when another active host has the address already.
 */
export async function refuseForeignAddress(
  queries: Queries,
  hostId: string,
  exporter: DesiredExporter,
): Promise<DesiredExporter> {
  if (exporter.target === null) return exporter;
  const owner = await queries
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .select('hosts.id')
    .where('hosts.state', 'in', LIVE_STATES)
    .where('hosts.id', '!=', hostId)
    .where('exporters.target', 'is not', null)
    .where('exporters.dns_names', '=', toJson(exporter.dnsNames))
    .where('exporters.ip_addresses', '=', toJson(exporter.ipAddresses))
    .executeTakeFirst();
  if (owner === undefined) return exporter;
  const address = [...exporter.dnsNames, ...exporter.ipAddresses].join(', ');
  return {
    ...exporter,
    dnsNames: [],
    ipAddresses: [],
    target: null,
    connectTo: null,
    problem: `The address ${address} belongs to another host. Give this host an address of its own, or have the operator revoke the other host.`,
  };
}
