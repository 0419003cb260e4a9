/** `pending`: waits for a person. `rejected` and `expired`: was never a member. */
export type HostState = 'active' | 'pending' | 'quarantined' | 'revoked' | 'left' | 'rejected' | 'expired';

/**
 * Hosts that have not ended: their names and addresses are theirs, their targets stay. A quarantined one is refused at
 * every call, but its monitoring goes on; a pending one waits for a person and has nothing but its name.
 */
export const LIVE_STATES: readonly HostState[] = ['active', 'pending', 'quarantined'];

export function isLive(state: HostState): boolean {
  return LIVE_STATES.includes(state);
}

/** Those whose exporters go on serving: a quarantined host renews nothing, and trusts what it trusted. */
export const SERVING_STATES: readonly HostState[] = ['active', 'quarantined'];
