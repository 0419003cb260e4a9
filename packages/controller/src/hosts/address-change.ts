import type { Clock, Random } from '@torchpass/core';
import { CONTROLLER_ITSELF } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { HostTable } from '../store/schema.ts';
import type { Queries } from '../store/store.ts';
import { orderRenewal } from './renewal-orders.ts';

const REASON = 'its address changed';
const ONCE_IN_MS = 24 * 3_600_000;

/**
 * A host that calls from another address gets a new identity at once, in the caller's transaction: one machine that moved
 * renews and goes on; a copy shows, as one of the two then has a predecessor (docs/adr/0015). Once a day at most, for hosts
 * that have many addresses.
 */
export async function renewAfterMove(
  transaction: Queries,
  { host, address }: { host: HostTable; address: string },
  { audit, clock, random }: { audit: Audit; clock: Clock; random: Random },
): Promise<void> {
  if (host.address === address) return;
  const own = transaction.selectFrom('renewal_orders').where('host_id', '=', host.id).where('reason', '=', REASON);
  const since = new Date(clock.now().getTime() - ONCE_IN_MS).toISOString();
  if ((await own.select('id').where('ordered_at', '>', since).executeTakeFirst()) !== undefined) return;
  await transaction.deleteFrom('renewal_orders').where('host_id', '=', host.id).where('reason', '=', REASON).execute();
  const order = { role: 'agent', hostId: host.id, spreadMs: 0, reason: REASON } as const;
  await orderRenewal(transaction, order, { clock, random });
  const details = { hosts: [host.name], reason: REASON, from: host.address, to: address };
  await audit.record(transaction, { event: 'renewal.ordered', by: CONTROLLER_ITSELF, subject: host.name, details });
}
