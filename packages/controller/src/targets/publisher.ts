import {
  isName,
  isTorchpassError,
  reasonOf,
  TorchpassError,
  type Clock,
  type Files,
  type Logger,
  type Permissions,
} from '@torchpass/core';
import { readTargets, renderTargets, type Target } from '@torchpass/prometheus';
import { join } from 'node:path';
import type { Publication } from '../api/types.ts';
import type { Store } from '../store/store.ts';
import { publishedTargets, withdrawnTargets } from './published.ts';

export interface Publisher {
  /** Brings the target files up to date. Calls within the interval share one writing; resolves when it is on disk. */
  publish(options?: PublishOptions): Promise<Publication>;
  /** What keeps the file of a job, or any file when no job is given, from being up to date. */
  problem(job?: string): string | undefined;
}

export interface PublishOptions {
  /** The operator's word that a file may become empty; false unless given. */
  allowEmpty?: boolean;
  /** A target has to go now: does not wait for others, and lets nobody else wait either; false unless given. */
  urgent?: boolean;
}

export interface PublisherOptions {
  store: Store;
  files: Files;
  clock: Clock;
  logger: Logger;
  /** The folder that Prometheus watches; it has to exist. */
  folder: string;
  /** A folder on the same file system that nobody watches. */
  staging: string;
  permissions: Permissions;
  /** Shortest time between two writings, in milliseconds. */
  intervalMs: number;
}

const SUFFIX = '.json';

/** Writes Prometheus's target files, one a job, from what the database says. Nothing else decides their content. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { store, files, clock, logger, folder, staging, permissions, intervalMs } = options;
  let writing: Promise<unknown> = Promise.resolve();
  let waiting: Promise<Publication> | undefined;
  /** Ends the pause before the next writing. */
  let hurry = new AbortController();
  let lastWritten = Number.NEGATIVE_INFINITY;
  let problems = new Map<string, TorchpassError>();
  let failure: string | undefined;

  return {
    problem: (job) => failure ?? (job === undefined ? [...problems.values()][0] : problems.get(job))?.sentence,
    publish({ allowEmpty = false, urgent = false } = {}) {
      if (allowEmpty) return inTurn(() => write(true));
      if (urgent) hurry.abort();
      waiting ??= inTurn(async () => {
        await pause();
        hurry = new AbortController();
        // From here on a new caller needs a new writing: ours may already have read the database.
        waiting = undefined;
        return write(false);
      });
      return waiting;
    },
  };

  /** Never longer than the interval, also when the clock was set back meanwhile. */
  async function pause(): Promise<void> {
    const left = Math.min(intervalMs, lastWritten + intervalMs - clock.now().getTime());
    if (left > 0) await clock.sleep(left, hurry.signal).catch(() => undefined);
  }

  function inTurn(work: () => Promise<Publication>): Promise<Publication> {
    const turn = writing.then(work, work);
    writing = turn;
    return turn;
  }

  async function write(allowEmpty: boolean): Promise<Publication> {
    lastWritten = clock.now().getTime();
    const { written, failed } = await writeAll(allowEmpty).catch((error: unknown) => {
      const sentence = `The target files could not be written: ${reasonOf(error)}`;
      if (failure !== sentence) logger.error('target files not up to date', { error });
      failure = sentence;
      throw error;
    });
    failure = undefined;
    const before = problems;
    problems = failed;
    // Every join and every pass tries again: the log tells when something begins to fail, or fails otherwise.
    for (const [job, error] of failed) {
      if (before.get(job)?.sentence !== error.sentence) logger.error('target file not up to date', { job, error });
    }
    const [first] = failed.values();
    if (first !== undefined) throw first;
    return { jobs: written };
  }

  /** One file that cannot be written does not hold up the others. */
  async function writeAll(allowEmpty: boolean) {
    const wanted = await publishedTargets(store);
    const names = (await files.list(folder)).filter((name) => name.endsWith(SUFFIX));
    const onDisk = names.map((name) => name.slice(0, -SUFFIX.length)).filter(isName);
    const written: Publication['jobs'] = [];
    const failed = new Map<string, TorchpassError>();
    for (const job of [...new Set([...wanted.keys(), ...onDisk])].toSorted()) {
      try {
        written.push(await writeJob(job, wanted.get(job) ?? [], allowEmpty));
      } catch (error) {
        if (!isTorchpassError(error)) throw error;
        failed.set(job, error);
      }
    }
    return { written, failed };
  }

  /** `PUBLISH_WOULD_EMPTY` when the file would lose its last targets and nobody said so. */
  async function writeJob(job: string, targets: Target[], allowEmpty: boolean): Promise<Publication['jobs'][number]> {
    const path = join(folder, `${job}${SUFFIX}`);
    const old = (await files.read(path))?.toString('utf8');
    const text = renderTargets(targets);
    const outcome = { job, file: path, targets: targets.length };
    if (old === text) return { ...outcome, changed: false };
    if (targets.length === 0 && old !== undefined && !allowEmpty && !(await allWithdrawn(job, old)))
      throw wouldEmpty(job);
    await files.write(path, { data: text, ...permissions }, staging);
    logger.info('target file written', { job, targets: targets.length });
    return { ...outcome, changed: true };
  }

  async function allWithdrawn(job: string, text: string): Promise<boolean> {
    const withdrawn = await withdrawnTargets(store, job);
    return targetsIn(text)?.every(({ address }) => withdrawn.has(address)) ?? false;
  }
}

/** Undefined when it cannot be read. Prometheus then goes on with what it read before, so there is something to lose. */
function targetsIn(text: string): Target[] | undefined {
  try {
    return readTargets(text);
  } catch {
    return undefined;
  }
}

function wouldEmpty(job: string): TorchpassError {
  return new TorchpassError(
    'PUBLISH_WOULD_EMPTY',
    `The database knows no target of job ${job}, and the file has some that nobody took off; they stay.`,
    {
      hint: 'Restore the database, or say that it is meant: torchpass target publish --allow-empty',
    },
  );
}
