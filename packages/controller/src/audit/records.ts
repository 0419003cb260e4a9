import type { Clock, Logger } from '@torchpass/core';
import type { Config } from '../config/load.ts';
import type { Store } from '../store/store.ts';
import type { Audit } from './audit.ts';
import type { AuditEvent } from './events.ts';
import { createAuditKeeper } from './keeper.ts';
import { createRefusals } from './refusals.ts';

interface Tools {
  store: Store;
  audit: Audit;
  /** Told of each refusal, for the metrics. */
  observe: (event: AuditEvent) => void;
  key: Buffer;
  limits: Config['audit'];
  clock: Clock;
  logger: Logger;
}

/** What keeps the audit log beside the acts: refusals, and the log's own upkeep. */
export function createAuditRecords({ observe, limits, ...tools }: Tools) {
  const refusals = createRefusals({ ...tools, observe });
  const retention = { retentionMs: limits.retention, mostEntries: limits.most_entries };
  return { refusals, auditKeeper: createAuditKeeper({ ...tools, refusals, retention }) };
}
