export * from './crash.ts';
export * from './manual-clock.ts';
export * from './seeded-random.ts';
