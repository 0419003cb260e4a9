export { startController, type Controller } from './context.ts';
export type { Surroundings } from './surroundings.ts';
export { loadConfig, type Config } from './config/load.ts';
export { createAuthorities, openAuthorities } from './issuance/authorities.ts';
export { METHOD_POLICIES } from './grpc/methods.ts';
export { openStore, type Store } from './store/store.ts';
