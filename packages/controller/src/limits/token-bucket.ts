import type { Clock } from '@torchpass/core';

export interface RateLimit {
  /** How many calls may come at once. */
  capacity: number;
  /** How many more may come in each second after that. */
  refillPerSecond: number;
}

export interface TokenBucketOptions extends RateLimit {
  clock: Clock;
  /** No more callers than this are remembered. */
  maxKeys: number;
}

interface Bucket {
  tokens: number;
  /** When `tokens` was true, in milliseconds. */
  at: number;
}

/**
 * A token bucket for each caller, in bounded memory. Buckets are kept in the order of their last use. One that nobody
 * used for as long as it takes to fill is the same as a new one and is forgotten; when there are still too many, the one
 * unused for longest goes, so that a caller who keeps knocking stays limited while strangers come and go.
 */
export class TokenBuckets {
  readonly #options: TokenBucketOptions;
  readonly #buckets = new Map<string, Bucket>();
  readonly #fillMs: number;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
    this.#fillMs = (options.capacity / options.refillPerSecond) * 1000;
  }

  /** Takes one token of `key`; false when there is none. Being refused costs nothing. */
  take(key: string): boolean {
    const now = this.#options.clock.now().getTime();
    const tokens = this.#tokensOf(this.#buckets.get(key), now);
    const allowed = tokens >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, at: now });
    this.#forget(now);
    return allowed;
  }

  /** Whether `take` would give one; takes none and remembers nobody. */
  has(key: string): boolean {
    return this.#tokensOf(this.#buckets.get(key), this.#options.clock.now().getTime()) >= 1;
  }

  /** How many callers are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** A clock that was set back gives nothing and takes nothing. */
  #tokensOf(bucket: Bucket | undefined, now: number): number {
    const { capacity, refillPerSecond } = this.#options;
    if (bucket === undefined) return capacity;
    return Math.min(capacity, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * refillPerSecond);
  }

  #forget(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (now - bucket.at < this.#fillMs && this.#buckets.size <= this.#options.maxKeys) return;
      this.#buckets.delete(key);
    }
  }
}
