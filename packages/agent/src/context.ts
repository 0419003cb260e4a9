import { nodeFiles, silentLogger, systemClock, systemRandom } from '@torchpass/core';
import type { CreateAgent } from './agent.ts';
import { enrollHost } from './commands/enroll.ts';
import { leaveController } from './commands/leave.ts';
import { runResident } from './commands/run.ts';
import type { Seams } from './commands/seams.ts';
import { readStatus } from './commands/status.ts';
import { dueLater } from './commands/next-pass.ts';
import { syncPass } from './commands/sync.ts';
import { timedPass } from './commands/timed-pass.ts';
import { connectController } from './controller/client.ts';
import { createCanary } from './exporters/canary.ts';
import { makeFolders, requireIdentity } from './identity/store.ts';
import { layoutOf } from './storage/layout.ts';
import { type Patience, withLock } from './storage/lock.ts';
import { linuxProcesses } from './storage/processes.ts';
import { AGENT_VERSION } from './version.ts';

/** A pass mostly takes a second or two. */
const PASS_MS = 10_000;

/** The whole program. */
export const createAgent: CreateAgent = (options) => {
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
    say: options.say ?? ((sentence) => logger.info('progress', { what: sentence })),
    version: AGENT_VERSION,
  };
  const { layout } = seams;

  /** What changes something is done by one process at a time, and only where there may be something. */
  const alone = async <T>(work: () => Promise<T>, patience?: Patience): Promise<T> => {
    await makeFolders(layout, files);
    return withLock(layout.lock, seams, work, patience);
  };
  /** By hand beside a resident agent, whose pass is over soon. */
  const untilPassEnds = (signal?: AbortSignal): Patience => ({ milliseconds: PASS_MS, clock, signal });
  const enrolled = () => requireIdentity(layout, files);

  return {
    enroll: (token, options = {}) => alone(() => enrollHost(token, seams, options)),

    async sync(pass = {}) {
      await enrolled();
      return alone(() => timedPass(seams, pass), untilPassEnds(pass.signal));
    },

    async syncIfDue(signal) {
      await enrolled();
      const pass = async () => (await dueLater(seams)) ?? (await timedPass(seams, { signal }));
      return alone(pass, untilPassEnds(signal));
    },

    async run(signal) {
      await enrolled();
      // The folder is free between two passes, so that a "sync" by hand works beside the resident agent.
      const pass = async () => {
        await enrolled();
        return alone(() => syncPass(seams, { signal }));
      };
      await withLock(layout.runLock, seams, () => runResident(pass, seams, signal));
    },

    status: (signal) => readStatus(seams, signal),

    async leave(signal) {
      await enrolled();
      return alone(() => leaveController(seams, signal), untilPassEnds(signal));
    },
  };
};
