export { type AgentOptions, type Agent, AGENT_VERSION, createAgent } from './context.ts';
export { type ExporterOutcome, type SyncReport, stateName } from './commands/report.ts';
export type { AgentStatus, CertificateStatus, ExporterStatus } from './commands/status.ts';
export { type Flags, loadSettings } from './config/load.ts';
export type { ExporterSettings, Settings } from './config/settings.ts';
export { connectController, type Connect, type Controller } from './controller/client.ts';
export { layoutOf, type Layout } from './storage/layout.ts';
