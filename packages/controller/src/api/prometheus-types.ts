import { z } from 'zod';

/** Connecting Prometheus, as the administration API has it. */

export const prometheusSetup = z.object({
  folder: z.string(),
  files: z.array(z.object({ path: z.string(), purpose: z.string() })),
  /** To paste into prometheus.yml. */
  scrapeConfig: z.string(),
  /** What to do, in order, one sentence each. */
  steps: z.array(z.string()),
});

export const checkPrometheusRequest = z.strictObject({
  /** Absolute path of the file, against which Prometheus resolves relative paths. */
  path: z.string(),
  text: z.string().max(1024 * 1024),
});

export const prometheusFindings = z.object({
  findings: z.array(
    z.object({ severity: z.enum(['error', 'warning']), where: z.string(), problem: z.string(), remedy: z.string() }),
  ),
});

export type PrometheusSetup = z.output<typeof prometheusSetup>;
export type PrometheusFindings = z.output<typeof prometheusFindings>;
