import type { HostTable } from './schema.ts';

type State = HostTable['state'];

/**
 * Hosts that have not ended: their names and addresses are theirs, their targets stay. A quarantined one is refused at
 * every call, but its monitoring goes on.
 */
export const LIVE_STATES: readonly State[] = ['active', 'quarantined'];

export function isLive(state: State): boolean {
  return LIVE_STATES.includes(state);
}
