import { TorchpassError } from '@torchpass/core';
import { fingerprintText } from '@torchpass/pki';
import { CONTROLLER_ITSELF } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { HostTable } from '../store/schema.ts';
import type { Queries } from '../store/store.ts';

/** What a caller is told whose host waits; it holds nothing that the caller did not send. `keyFingerprint` in hexadecimal. */
export function approvalPending(name: string, keyFingerprint: string): TorchpassError {
  const fingerprint = fingerprintText(keyFingerprint);
  return new TorchpassError(
    'APPROVAL_PENDING',
    `The host "${name}" waits for a person to approve it; its key has the fingerprint ${fingerprint}.`,
    { hint: `The operator runs: torchpass host approve ${name} --fingerprint ${fingerprint}` },
  );
}

/** Whether a host that waits has waited too long. */
export function hasExpired(host: Pick<HostTable, 'enrolled_at'>, expiryMs: number, now: Date): boolean {
  return host.enrolled_at <= askedLast(expiryMs, now);
}

const askedLast = (expiryMs: number, now: Date) => new Date(now.getTime() - expiryMs).toISOString();

/** Ends every host that nobody approved in time, in the caller's transaction: their names are free. Answers the names. */
export async function expirePending(
  transaction: Queries,
  { audit, expiryMs, now }: { audit: Audit; expiryMs: number; now: Date },
): Promise<string[]> {
  const expired = await transaction
    .updateTable('hosts')
    .set({ state: 'expired', ended_at: now.toISOString(), end_reason: 'nobody approved it in time' })
    .where('state', '=', 'pending')
    .where('enrolled_at', '<=', askedLast(expiryMs, now))
    .returning(['id', 'name'])
    .execute();
  for (const { id, name } of expired) {
    const details = { host_id: id };
    await audit.record(transaction, { event: 'host.expired', by: CONTROLLER_ITSELF, subject: name, details });
  }
  return expired.map(({ name }) => name);
}
