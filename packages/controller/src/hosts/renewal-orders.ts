import { createHash } from 'node:crypto';
import { randomId, type Clock, type Random } from '@torchpass/core';
import type { CertificateTable, RenewalOrderTable } from '../store/schema.ts';
import type { Queries, Store } from '../store/store.ts';

/** "What was issued before now is to be renewed, spread over this time." */
export interface RenewalOrder {
  role: RenewalOrderTable['role'];
  /** Null: of every host. */
  hostId: string | null;
  /** Between now and then, each certificate at a point of its own. */
  spreadMs: number;
  reason: string;
}

const ORDER_ID_LENGTH = 16;
/** No certificate lives longer, so nothing is left that an older order could be about. */
const KEPT_MS = 366 * 24 * 3_600_000;

/** Stores an order, in the caller's transaction. */
export async function orderRenewal(
  transaction: Queries,
  { role, hostId, spreadMs, reason }: RenewalOrder,
  { clock, random }: { clock: Clock; random: Random },
): Promise<void> {
  const now = clock.now();
  const at = now.toISOString();
  const past = new Date(now.getTime() - KEPT_MS).toISOString();
  await transaction.deleteFrom('renewal_orders').where('ends_at', '<', past).execute();
  await transaction
    .insertInto('renewal_orders')
    .values({
      id: randomId(random, ORDER_ID_LENGTH),
      host_id: hostId,
      role,
      issued_before: at,
      starts_at: at,
      ends_at: new Date(now.getTime() + spreadMs).toISOString(),
      reason,
      ordered_at: at,
    })
    .execute();
}

type Subject = Pick<CertificateTable, 'serial' | 'role' | 'issued_at'>;

/** When certificates of one host are to be renewed by order. */
export interface HostOrders {
  /** Undefined when there is no order about this one. The earliest, when there are several. */
  pointOf(certificate: Subject): Date | undefined;
}

/** The orders that concern a host. Those from the future are of a clock that was set back since: they count for nothing. */
export async function ordersFor(store: Store, hostId: string, now: Date): Promise<HostOrders> {
  const orders = await store
    .selectFrom('renewal_orders')
    .selectAll()
    .where(({ eb, or }) => or([eb('host_id', 'is', null), eb('host_id', '=', hostId)]))
    .where('issued_before', '<=', now.toISOString())
    .execute();
  return {
    pointOf(certificate) {
      const points = orders.filter((order) => isAbout(order, certificate)).map((order) => pointIn(order, certificate));
      return points.length === 0 ? undefined : new Date(Math.min(...points));
    },
  };
}

function isAbout(order: RenewalOrderTable, { role, issued_at }: Subject): boolean {
  return order.role === role && issued_at !== null && issued_at < order.issued_before;
}

/** By a hash of the serial number: spread, and the same whenever it is asked. */
function pointIn({ starts_at, ends_at }: RenewalOrderTable, { serial }: Subject): number {
  const share = createHash('sha256').update(serial).digest().readUInt32BE(0) / 2 ** 32;
  const from = new Date(starts_at).getTime();
  return from + (new Date(ends_at).getTime() - from) * share;
}
