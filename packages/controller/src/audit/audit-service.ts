import type { Clock } from '@torchpass/core';
import type { AuditVerification, AuditPage, ReadAuditRequest } from '../api/types.ts';
import type { Store } from '../store/store.ts';
import { headText } from './chain.ts';
import type { AuditKeeper } from './keeper.ts';
import { readLog } from './read-log.ts';
import type { NotedHead, Verified } from './verify.ts';

/** What operators see of the audit log. */
export function createAuditService(tools: { store: Store; keeper: AuditKeeper; clock: Clock }) {
  return {
    log: (request: ReadAuditRequest): Promise<AuditPage> => readLog(tools, request),
    verify: async ({ head }: { head?: string | undefined }): Promise<AuditVerification> => {
      const noted = head === undefined ? undefined : notedHead(head);
      return viewOf(await tools.keeper.verify(noted), noted);
    },
  };
}

/** `NUMBER:MAC`; the API's schema has checked the shape. */
function notedHead(text: string): NotedHead {
  const [number, mac = ''] = text.split(':');
  return { number: Number(number), mac };
}

function viewOf({ entries, head, fault }: Verified, noted: NotedHead | undefined): AuditVerification {
  return {
    entries,
    first: head.pruned_number + 1,
    head: headText(head),
    comparable: noted === undefined ? null : noted.number >= head.pruned_number,
    fault: fault ?? null,
  };
}
