export { startController, type Controller, type Surroundings } from './context.ts';
export { loadConfig, type Config } from './config/load.ts';
export { createAuthorities, openAuthorities } from './issuance/authorities.ts';
export { METHOD_POLICIES } from './grpc/methods.ts';
export { openStore, type Store } from './store/store.ts';
