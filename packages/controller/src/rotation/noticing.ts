import { isTorchpassError } from '@torchpass/core';
import { CONTROLLER_ITSELF } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import type { Store } from '../store/store.ts';

/** Puts on record, once each, that rows are there which are not ours; the failure itself goes on to whoever asked. */
export function createNoticing({ store, audit }: { store: Store; audit: Audit }) {
  let told: string | undefined;
  return async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      told = undefined;
    } catch (error) {
      if (isTorchpassError(error, 'ROW_NOT_AUTHENTIC') && error.message !== told) {
        told = error.message;
        const details = { reason: error.message };
        await audit.record(store, {
          event: 'database.refused',
          by: CONTROLLER_ITSELF,
          subject: 'database',
          details,
        });
      }
      throw error;
    }
  };
}
