import {
  type Clock,
  type Files,
  type Logger,
  nodeFiles,
  type Random,
  type Secret,
  silentLogger,
  systemClock,
  systemRandom,
} from '@torchpass/core';
import { enrollHost } from './commands/enroll.ts';
import { leaveController } from './commands/leave.ts';
import type { SyncReport } from './commands/report.ts';
import { runResident } from './commands/run.ts';
import type { Seams } from './commands/seams.ts';
import { type AgentStatus, readStatus } from './commands/status.ts';
import { syncPass } from './commands/sync.ts';
import type { Settings } from './config/settings.ts';
import { type Connect, connectController } from './controller/client.ts';
import { createCanary, type LearnCapabilities } from './exporters/canary.ts';
import { makeFolders, requireIdentity } from './identity/store.ts';
import { layoutOf } from './storage/layout.ts';
import { withLock } from './storage/lock.ts';
import { linuxProcesses, type Processes } from './storage/processes.ts';

export const AGENT_VERSION = '0.1.0';

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
  say?: (sentence: string) => void;
}

export interface Agent {
  enroll(token: Secret, signal?: AbortSignal): Promise<SyncReport>;
  sync(options?: { renew?: boolean; signal?: AbortSignal }): Promise<SyncReport>;
  /** Until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  status(signal?: AbortSignal): Promise<AgentStatus>;
  leave(signal?: AbortSignal): Promise<void>;
}

/** The whole program. */
export function createAgent(options: AgentOptions): Agent {
  const { settings } = options;
  const clock = options.clock ?? systemClock;
  const files = options.files ?? nodeFiles();
  const logger = options.logger ?? silentLogger;
  const seams: Seams = {
    settings,
    layout: layoutOf(settings.storagePath),
    clock,
    random: options.random ?? systemRandom,
    files,
    logger,
    processes: options.processes ?? linuxProcesses,
    connect: options.connect ?? connectController,
    learnCapabilities: options.learnCapabilities ?? createCanary({ clock, files, logger }),
    say: options.say ?? ((sentence) => logger.info(sentence)),
    version: AGENT_VERSION,
  };
  const { layout } = seams;

  /** What changes something is done by one process at a time, and only where there may be something. */
  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    await makeFolders(layout, files);
    return withLock(layout.lock, seams, work);
  };
  const enrolled = () => requireIdentity(layout, files);

  return {
    enroll: (token, signal) => alone(() => enrollHost(token, seams, signal)),

    async sync(pass = {}) {
      await enrolled();
      return alone(() => syncPass(seams, pass));
    },

    async run(signal) {
      await enrolled();
      // The folder is free between two passes, so that a "sync" by hand works beside the resident agent.
      const pass = () => alone(() => syncPass(seams, { signal }));
      await withLock(layout.runLock, seams, () => runResident(pass, seams, signal));
    },

    status: (signal) => readStatus(seams, signal),

    async leave(signal) {
      await enrolled();
      return alone(() => leaveController(seams, signal));
    },
  };
}
