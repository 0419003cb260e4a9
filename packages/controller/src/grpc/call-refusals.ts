import { isTorchpassError, type ErrorKind } from '@torchpass/core';
import { stranger } from '../audit/actor.ts';
import type { AuditEvent } from '../audit/events.ts';
import { Refusal } from '../audit/refusal.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { Connection } from './connections.ts';

/** These say something of us, not of the caller: the program's log has them. */
const NO_REFUSAL: ReadonlySet<ErrorKind> = new Set(['internal', 'failed', 'unavailable']);

const EVENTS: Readonly<Record<string, AuditEvent>> = {
  '/torchpass.v1.AgentService/Enroll': 'enrolment.refused',
  '/torchpass.v1.AgentService/IssueCertificate': 'certificate.refused',
};
const LONGEST_REASON = 300;

/** Puts on record why a call was refused, before its answer. What the caller must not know is the cause of its error. */
export type NoteRefusal = (
  call: { method: string; connection: Connection | undefined; host?: string },
  reason: unknown,
) => Promise<void>;

export function notingRefusals(refusals: Refusals): NoteRefusal {
  return async ({ method, connection, host = '' }, reason) => {
    if (!isTorchpassError(reason) || NO_REFUSAL.has(reason.kind)) return;
    const by = stranger(connection?.address ?? '');
    const { cause } = reason;
    if (cause instanceof Refusal) {
      const { event, subject, details } = cause;
      return refusals.note({ event, by, subject, details });
    }
    const event = reason.code === 'RATE_LIMITED' ? 'call.limited' : (EVENTS[method] ?? 'call.refused');
    const details = {
      method: method.slice(0, 100),
      code: reason.code,
      reason: reason.message.slice(0, LONGEST_REASON),
    };
    return refusals.note({ event, by, subject: host, details });
  };
}
