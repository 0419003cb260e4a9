export * from './binaries/index.ts';
