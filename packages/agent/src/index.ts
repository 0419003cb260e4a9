export type { Agent, AgentOptions, CreateAgent } from './agent.ts';
export { createAgent } from './context.ts';
export { AGENT_VERSION } from './version.ts';
export { type ExporterOutcome, type SyncReport, stateName } from './commands/report.ts';
export type { AgentStatus, CertificateStatus, ExporterStatus } from './commands/status.ts';
export { type Flags, loadSettings } from './config/load.ts';
export type { ExporterSettings, Settings } from './config/settings.ts';
export { connectController, type Connect, type Controller } from './controller/client.ts';
export { layoutOf, type Layout } from './storage/layout.ts';
