import type { Clock } from '@torchpass/core';
import type { Queries } from '../store/store.ts';
import type { Actor } from './actor.ts';
import { EMPTY, macOf, readHead, writeHead } from './chain.ts';
import type { AuditEvent } from './events.ts';

export interface AuditEntry {
  event: AuditEvent;
  by: Actor;
  /** What it is about: the name of a host, a serial number, the id of a token, the name of an authority. */
  subject: string;
  /** No secrets. Texts from outside are cut by whoever gives them. */
  details?: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

/** The log of everything that matters to trust: append-only, each entry authenticated together with the one before it. */
export interface Audit {
  /**
   * Adds an entry, in the caller's transaction where something is changed: then the act is on record exactly when it is
   * done. Outside of one it takes its own.
   */
  record(queries: Queries, entry: AuditEntry): Promise<void>;
}

export function createAudit({ key, clock }: { key: Buffer; clock: Clock }): Audit {
  return {
    async record(queries, added) {
      if (queries.isTransaction) await append(queries, added);
      else await queries.transaction().execute((transaction) => append(transaction, added));
    },
  };

  async function append(queries: Queries, { event, by, subject, details = {} }: AuditEntry): Promise<void> {
    const head = (await readHead(queries)) ?? EMPTY;
    const entry = {
      number: head.number + 1,
      at: clock.now().toISOString(),
      event,
      actor: JSON.stringify([by.kind, by.name, by.from]),
      subject,
      details: JSON.stringify(details),
    };
    const mac = macOf(key, head.mac, entry);
    await queries
      .insertInto('audit_log')
      .values({ ...entry, mac })
      .execute();
    await writeHead(queries, key, { ...head, number: entry.number, mac });
  }
}
