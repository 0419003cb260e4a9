import type { Logger } from '@torchpass/core';
import type { Publisher } from '../targets/publisher.ts';
import type { RevocationLists } from './revocation-lists.ts';

/** Closes every connection whose handshake showed one of these certificates. Answers how many there were. */
export type Cut = (serials: ReadonlySet<string>) => number;

/** What follows the commit of a revocation. Never fails: what could not be done is tried again by the upkeep. */
export type Bite = (serials: ReadonlySet<string>) => Promise<void>;

interface Tools {
  cut: Cut;
  publisher: Publisher;
  revocationLists: RevocationLists;
  logger: Logger;
}

/** In the order in which it matters: who is in gets out, Prometheus stops asking, then those are told who read lists. */
export function createBite({ cut, publisher, revocationLists, logger }: Tools): Bite {
  return async (serials) => {
    const closed = cut(serials);
    if (closed > 0) logger.info('connections of a revoked certificate closed', { closed });
    // A file that cannot be written shows in the status.
    await publisher.publish({ urgent: true }).catch(() => undefined);
    await revocationLists
      .refresh()
      .catch((error: unknown) => logger.error('revocation list not up to date', { error }));
  };
}
