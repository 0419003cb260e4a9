import type { Access } from '../access.ts';

/** Looking at what is in the database. */
export const LOOK: Access = { permission: 'read', rateLimit: { capacity: 200, refillPerSecond: 100 } };
/** Changing something. */
export const CHANGE: Access = { permission: 'change', rateLimit: { capacity: 200, refillPerSecond: 50 } };
/** What makes the controller knock at hosts or write files. */
export const WORK: Access = { permission: 'change', rateLimit: { capacity: 20, refillPerSecond: 2 } };
