import type { AuditEntry } from './audit.ts';
import type { AuditEvent } from './events.ts';

/** Why something was refused, as the cause of the error whose caller must not know. The audit log has it. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly event: AuditEvent;
  readonly subject: string;
  readonly details: NonNullable<AuditEntry['details']>;

  constructor({ event, subject, details = {} }: Pick<AuditEntry, 'event' | 'subject' | 'details'>, cause?: unknown) {
    super(`${event}: ${String(details['reason'] ?? subject)}`, cause === undefined ? undefined : { cause });
    this.event = event;
    this.subject = subject;
    this.details = details;
  }
}
