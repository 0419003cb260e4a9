import { TorchpassError, type Logger } from '@torchpass/core';
import type { Actor } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { ReleasedHost } from '../api/types.ts';
import type { Store } from '../store/store.ts';
import type { Views } from './views.ts';

const REMARKS = [
  'The machine that calls next goes on as this host, within its check-in interval.',
  'If two machines still use its identity, it is quarantined again as soon as both have called.',
  'To let one go on for certain, reinstall it with "torchpass token create --replace NAME": that ends every copy.',
];

interface Tools {
  store: Store;
  views: Views;
  audit: Audit;
  logger: Logger;
}

/**
 * Ends a quarantine on the operator's word that one machine is left. Which of its identities were confirmed is
 * forgotten, so that this one goes on whichever it has.
 */
export function createRelease({ store, views, audit, logger }: Tools) {
  return async (name: string, by: Actor): Promise<ReleasedHost> => {
    await store.transaction().execute(async (transaction) => {
      const host = await transaction
        .selectFrom('hosts')
        .select(['id', 'quarantine_reason'])
        .where('name', '=', name)
        .where('state', '=', 'quarantined')
        .executeTakeFirst();
      if (host === undefined) throw notQuarantined(name);
      await transaction
        .updateTable('hosts')
        .set({ state: 'active', quarantined_at: null, quarantine_reason: null })
        .where('id', '=', host.id)
        .execute();
      await transaction
        .updateTable('certificates')
        .set({ confirmed_at: null })
        .where('host_id', '=', host.id)
        .where('role', '=', 'agent')
        .execute();
      const details = { host_id: host.id, quarantine: host.quarantine_reason };
      await audit.record(transaction, { event: 'host.released', by, subject: name, details });
    });
    logger.info('host released from quarantine', { host: name });
    return { host: await views.host(name), remarks: REMARKS.map((remark) => remark.replace('NAME', name)) };
  };
}

function notQuarantined(name: string): TorchpassError {
  return new TorchpassError('NOT_FOUND', `There is no quarantined host ${JSON.stringify(name.slice(0, 80))}.`, {
    hint: 'See "torchpass host list".',
  });
}
