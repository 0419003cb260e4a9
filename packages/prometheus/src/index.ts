export * from './labels.ts';
export * from './matrix.ts';
export * from './probe.ts';
export * from './scrape-check.ts';
export * from './scrape-config.ts';
export * from './targets.ts';
export * from './web-config.ts';
export * from './web-config-check.ts';
