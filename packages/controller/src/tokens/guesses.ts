import type { Clock, Logger } from '@torchpass/core';
import { stranger } from '../audit/actor.ts';
import type { Audit } from '../audit/audit.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import type { Store } from '../store/store.ts';

/** Counts how often the secret of a token was guessed wrongly, wherever from; `id` is that of a token that exists. */
export interface Guesses {
  /** Whether anybody may try this token now. */
  mayTry(id: string): boolean;
  wrong(id: string, address: string): Promise<void>;
}

/** An agent with a mangled token tries again and again too. */
const WRONG_SECRETS = { capacity: 20, refillPerSecond: 0.1 };
/** The operator is told once an hour. */
const REPORTS = { capacity: 1, refillPerSecond: 1 / 3600 };
const MOST_TOKENS = 10_000;

export function createGuesses(tools: { store: Store; audit: Audit; clock: Clock; logger: Logger }): Guesses {
  const { store, audit, clock, logger } = tools;
  const wrong = new TokenBuckets({ ...WRONG_SECRETS, clock, maxKeys: MOST_TOKENS });
  const reports = new TokenBuckets({ ...REPORTS, clock, maxKeys: MOST_TOKENS });
  return {
    mayTry: (id) => wrong.has(id),
    async wrong(id, address) {
      wrong.take(id);
      if (wrong.has(id) || !reports.take(id)) return;
      logger.error('a join token is being guessed and is refused for everybody meanwhile', {
        token: id,
        from: address,
      });
      await store
        .transaction()
        .execute((transaction) =>
          audit.record(transaction, { event: 'token.guessed', by: stranger(address), subject: id }),
        );
    },
  };
}
