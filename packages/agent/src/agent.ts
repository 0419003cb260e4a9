import type { Clock, Files, Logger, Random, Secret } from '@torchpass/core';
import type { SyncReport } from './commands/report.ts';
import type { AgentStatus } from './commands/status.ts';
import type { Settings } from './config/settings.ts';
import type { Connect } from './controller/client.ts';
import type { LearnCapabilities } from './exporters/canary.ts';
import type { Processes } from './storage/processes.ts';

/** The program, as its command line and its tests see it. Errors are those of each command. */
export interface Agent {
  /** `waitMs`: how long to wait for a person's approval, where the token asks for one. */
  enroll(token: Secret, options?: { waitMs?: number; signal?: AbortSignal }): Promise<SyncReport>;
  sync(options?: { renew?: boolean; restarted?: boolean; signal?: AbortSignal }): Promise<SyncReport>;
  /** The same only if it is due; else when that will be. For a timer: retries then keep to the same pauses as `run`. */
  syncIfDue(signal?: AbortSignal): Promise<SyncReport | Date>;
  /** Until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  status(signal?: AbortSignal): Promise<AgentStatus>;
  leave(signal?: AbortSignal): Promise<void>;
}

/** What a test may replace; everything has a real default but the settings. */
export interface AgentOptions {
  settings: Settings;
  clock?: Clock;
  random?: Random;
  files?: Files;
  logger?: Logger;
  processes?: Processes;
  connect?: Connect;
  learnCapabilities?: LearnCapabilities;
  /** Tells the user, a sentence at a time, what happens; into the log unless given. */
  say?: (sentence: string) => void;
}

export type CreateAgent = (options: AgentOptions) => Agent;
