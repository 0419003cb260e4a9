import { z } from 'zod';

/** Giving up a scraper's key, as the administration API has it. */

const time = z.iso.datetime();

export const revokeScraperRequest = z.strictObject({ reason: z.string().max(200).default('') });

export const scraperExporter = z.object({
  host: z.string(),
  exporter: z.string(),
  /** HOST:PORT. */
  target: z.string().nullable(),
  /** Of the host. */
  lastSeenAt: time,
  /**
   * `old trust`: may still let the given-up key in. `not restarted`: admits the right key, but connections of before may be open.
   * `unproven`: restarted, and not yet seen to refuse it. `done`: seen to refuse it.
   */
  state: z.enum(['old trust', 'not restarted', 'unproven', 'done']),
  /** What was found instead of a refusal. */
  problem: z.string().nullable(),
});

export const scraperStatus = z.object({
  /** Grows each time that a key is given up; 0 when none ever was. */
  generation: z.int(),
  /** When that was the last time; null when it never was. */
  revokedAt: time.nullable(),
  reason: z.string().nullable(),
  /** What keeps Prometheus from having its new key, in one sentence; only in the answer to a revocation. */
  prometheusProblem: z.string().nullable(),
  /** How many exporters are not done. */
  waiting: z.int(),
  /** Of active hosts; those that are not done first. */
  exporters: z.array(scraperExporter),
});

export type RevokeScraperRequest = z.output<typeof revokeScraperRequest>;
export type ScraperExporter = z.output<typeof scraperExporter>;
export type ScraperStatus = z.output<typeof scraperStatus>;
