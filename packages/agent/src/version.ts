/** Of this agent. */
export const AGENT_VERSION = '0.1.0';
