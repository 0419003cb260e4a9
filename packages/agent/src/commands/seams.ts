import type { Clock, Files, Logger, Random } from '@torchpass/core';
import type { Settings } from '../config/settings.ts';
import type { Connect } from '../controller/client.ts';
import type { LearnCapabilities } from '../exporters/canary.ts';
import type { Layout } from '../storage/layout.ts';
import type { Processes } from '../storage/processes.ts';

/** What the commands are made from; `context.ts` puts it together. */
export interface Seams {
  settings: Settings;
  layout: Layout;
  clock: Clock;
  random: Random;
  files: Files;
  logger: Logger;
  processes: Processes;
  connect: Connect;
  learnCapabilities: LearnCapabilities;
  /** Tells the user, a sentence at a time, what happens. */
  say: (sentence: string) => void;
  /** Of this agent. */
  version: string;
}
