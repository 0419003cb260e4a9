export * from './gen/torchpass/v1/agent.ts';
export * from './join-token.ts';
export * from './limits.ts';
export * from './status.ts';
