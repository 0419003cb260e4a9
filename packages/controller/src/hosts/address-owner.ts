import { toJson } from '../store/json.ts';
import type { Queries } from '../store/store.ts';
import { neighbourRule } from '../policy/address-rules.ts';
import type { Policy } from '../policy/policy.ts';
import type { Neighbour } from '../policy/request.ts';
import { LIVE_STATES } from '../store/host-states.ts';
import { refusedBy, type DesiredExporter } from './desired-exporter.ts';

/** Exporters of other live hosts that have this address or name. */
export async function neighboursOf(
  queries: Queries,
  hostId: string,
  { dnsNames, ipAddresses }: Pick<DesiredExporter, 'dnsNames' | 'ipAddresses'>,
): Promise<Neighbour[]> {
  const rows = await queries
    .selectFrom('exporters')
    .innerJoin('hosts', 'hosts.id', 'exporters.host_id')
    .select(['hosts.name as host', 'exporters.target'])
    .where('hosts.state', 'in', LIVE_STATES)
    .where('hosts.id', '!=', hostId)
    .where('exporters.target', 'is not', null)
    .where('exporters.dns_names', '=', toJson(dnsNames))
    .where('exporters.ip_addresses', '=', toJson(ipAddresses))
    .execute();
  return rows.flatMap(({ host, target }) => (target === null ? [] : [{ host, target }]));
}

/**
 * An address belongs to one live host, unless the policy lets it be shared: a certificate for it could answer in the
 * other's name. Gives the exporter back, refused when the address is another's; in the transaction that stores it, so
 * that of two who ask at once one gets it.
 */
export async function refuseForeignAddress(
  queries: Queries,
  hostId: string,
  exporter: DesiredExporter,
  policy: Policy,
): Promise<DesiredExporter> {
  const { target, dnsNames, ipAddresses } = exporter;
  const [address] = [...dnsNames, ...ipAddresses];
  if (target === null || address === undefined) return exporter;
  const neighbours = await neighboursOf(queries, hostId, exporter);
  const refused = neighbourRule(policy, { target, neighbours }, address).find(({ allowed }) => !allowed);
  return refused === undefined ? exporter : { ...exporter, ...refusedBy(refused) };
}
