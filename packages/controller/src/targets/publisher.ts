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
import type { Publication } from '../http/api/types.ts';
import type { Store } from '../store/store.ts';
import { publishedTargets, withdrawnTargets } from './published.ts';

export interface Publisher {
  /** Brings the target files up to date. Calls within the interval share one writing; resolves when it is on disk. */
  publish(options?: { allowEmpty: boolean }): Promise<Publication>;
  /** What keeps the file of a job, or any file when no job is given, from being up to date. */
  problem(job?: string): string | undefined;
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
  let lastWritten = Number.NEGATIVE_INFINITY;
  let problems = new Map<string, string>();
  let failure: string | undefined;

  return {
    problem: (job) => failure ?? (job === undefined ? [...problems.values()][0] : problems.get(job)),
    publish({ allowEmpty } = { allowEmpty: false }) {
      if (allowEmpty) return inTurn(() => write(true));
      waiting ??= inTurn(async () => {
        await pause();
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
    if (left > 0) await clock.sleep(left);
  }

  function inTurn(work: () => Promise<Publication>): Promise<Publication> {
    const turn = writing.then(work, work);
    writing = turn;
    return turn;
  }

  async function write(allowEmpty: boolean): Promise<Publication> {
    lastWritten = clock.now().getTime();
    try {
      const wanted = await publishedTargets(store);
      const onDisk = (await files.list(folder))
        .filter((name) => name.endsWith(SUFFIX))
        .map((name) => name.slice(0, -SUFFIX.length));
      const jobs = [...new Set([...wanted.keys(), ...onDisk.filter(isName)])].toSorted();
      const emptied = new Map<string, string>();
      const written: Publication['jobs'] = [];
      for (const job of jobs) {
        const result = await writeJob(job, wanted.get(job) ?? [], allowEmpty);
        if (result === undefined) emptied.set(job, wouldEmpty([job]).sentence);
        else written.push(result);
      }
      failure = undefined;
      problems = emptied;
      if (emptied.size > 0) throw wouldEmpty([...emptied.keys()]);
      return { jobs: written };
    } catch (error) {
      const known = isTorchpassError(error, 'PUBLISH_WOULD_EMPTY');
      if (!known) failure = `The target files could not be written: ${reasonOf(error)}`;
      logger.error('target files not up to date', { error });
      throw error;
    }
  }

  /** Undefined when the file would lose its last targets and nobody said so. */
  async function writeJob(
    job: string,
    targets: Target[],
    allowEmpty: boolean,
  ): Promise<Publication['jobs'][number] | undefined> {
    const path = join(folder, `${job}${SUFFIX}`);
    const old = (await files.read(path))?.toString('utf8');
    const text = renderTargets(targets);
    const outcome = { job, file: path, targets: targets.length };
    if (old === text) return { ...outcome, changed: false };
    if (targets.length === 0 && old !== undefined && !allowEmpty && !(await allWithdrawn(job, old))) return undefined;
    await files.write(path, { data: text, ...permissions }, staging);
    logger.info('target file written', { job, targets: targets.length });
    return { ...outcome, changed: true };
  }

  async function allWithdrawn(job: string, text: string): Promise<boolean> {
    const withdrawn = await withdrawnTargets(store, job);
    return targetsIn(text).every(({ address }) => withdrawn.has(address));
  }
}

/** A file that cannot be read holds nothing that could be lost: Prometheus does not read it either. */
function targetsIn(text: string): Target[] {
  try {
    return readTargets(text);
  } catch {
    return [];
  }
}

function wouldEmpty(jobs: string[]): TorchpassError {
  return new TorchpassError(
    'PUBLISH_WOULD_EMPTY',
    `The database knows no target of job ${jobs.join(', ')}, and the file has some that nobody took off; they stay.`,
    {
      hint: 'Restore the database, or say that it is meant: torchpass target publish --allow-empty',
    },
  );
}
