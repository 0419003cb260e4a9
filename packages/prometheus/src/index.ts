export type { ExpectedPrometheus, Finding } from './finding.ts';
export { checkLabels } from './labels.ts';
export * from './matrix.ts';
export { probeTls } from './probe.ts';
export type {
  PlainOutcome,
  PlainProbeOptions,
  ProbeCredentials,
  ProbeOptions,
  ProbeOutcome,
  ProbeTarget,
} from './probe-options.ts';
export { probePlain } from './probe-plain.ts';
export { checkPrometheusConfig } from './scrape-check.ts';
export { PROMETHEUS_FILES, renderScrapeConfig, type ScrapeConfigOptions } from './scrape-config.ts';
export { normaliseSerial } from './serial.ts';
export * from './targets.ts';
export * from './web-config.ts';
export { webConfigProblems } from './web-config-check.ts';
export type { WebConfig } from './web-config-schema.ts';
