import { link, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type Clock,
  type Files,
  isTorchpassError,
  type Random,
  randomId,
  reasonOf,
  systemCodeOf,
  TorchpassError,
} from '@torchpass/core';
import { PRIVATE_FILE } from './layout.ts';
import type { Processes } from './processes.ts';

export interface LockSeams {
  files: Files;
  processes: Processes;
  random: Random;
}

/** How long to wait for another process to finish. */
export interface Patience {
  milliseconds: number;
  clock: Clock;
  signal: AbortSignal | undefined;
}

const LOOK_AGAIN_MS = 100;

/** Who claims the lock: a process, and which of its claims. */
interface Claim {
  pid: number;
  /** Tells it from an earlier process of the same number. */
  start: string;
  id: string;
}

/**
 * Does `work` while no other process does work under the same lock file.
 *
 * The file names its process. One that is gone, or whose number now belongs to another, holds nothing: its heir puts
 * `PATH.after-ID` beside the file instead of replacing it, since a hard link can be made only once (link(2)), while of
 * several that replace a file each would believe to be the one. Whoever is last in that row holds the lock.
 *
 * Errors: AGENT_BUSY, naming the process that holds it, after `patience` if that is given.
 */
export async function withLock<T>(
  path: string,
  seams: LockSeams,
  work: () => Promise<T>,
  patience?: Patience,
): Promise<T> {
  const { files, processes, random } = seams;
  const claim = {
    pid: processes.self,
    start: (await processes.startOf(processes.self)) ?? '',
    id: randomId(random, 16),
  };
  const aside = `${path}.claim-${claim.pid}-${claim.id}`;
  // Not through the seam: it need not survive a power cut, and whole it is before it is linked.
  await writeFile(aside, JSON.stringify(claim), { ...PRIVATE_FILE, flag: 'wx' }).catch((error: unknown) => {
    throw unwritable(aside, error);
  });
  try {
    await takePatiently(() => take(path, aside, claim, seams), patience);
  } finally {
    await files.remove(aside);
  }
  try {
    return await work();
  } finally {
    await release(path, seams);
  }
}

/** The number of the process that holds the lock; undefined when none does. Takes and changes nothing. */
export async function holderOf(
  path: string,
  { files, processes }: Pick<LockSeams, 'files' | 'processes'>,
): Promise<number | undefined> {
  const last = (await row(path, files)).at(-1);
  return last !== undefined && (await lives(last, processes)) ? last.pid : undefined;
}

async function lives({ pid, start }: Claim, processes: Processes): Promise<boolean> {
  return start !== '' && (await processes.startOf(pid)) === start;
}

async function takePatiently(attempt: () => Promise<void>, patience: Patience | undefined): Promise<void> {
  const deadline = patience === undefined ? 0 : patience.clock.now().getTime() + patience.milliseconds;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (patience === undefined || !isTorchpassError(error, 'AGENT_BUSY')) throw error;
      if (patience.clock.now().getTime() >= deadline) throw error;
    }
    await patience.clock.sleep(LOOK_AGAIN_MS, patience.signal);
  }
}

async function take(path: string, aside: string, claim: Claim, { files, processes }: LockSeams): Promise<void> {
  for (;;) {
    const last = (await row(path, files)).at(-1);
    if (last !== undefined && (await lives(last, processes))) throw busy(last);
    const place = last === undefined ? path : heirOf(path, last);
    if (!(await linked(aside, place))) continue;
    // The row may have ended while we looked at it, and then we are the heir of nobody.
    if ((await row(path, files)).at(-1)?.id === claim.id) return;
    await files.remove(place);
  }
}

/** First the file itself: then nobody can get into the row any more. The rest, also of rows that broke off, is litter. */
async function release(path: string, { files, processes }: LockSeams): Promise<void> {
  await files.remove(path);
  const prefix = `${basename(path)}.`;
  for (const name of await files.list(dirname(path))) {
    const claimant = /^claim-(\d+)-/.exec(name.slice(prefix.length))?.[1];
    const living = claimant !== undefined && (await processes.startOf(Number(claimant))) !== undefined;
    if (name.startsWith(prefix) && !living) await files.remove(join(dirname(path), name));
  }
}

async function row(path: string, files: Files): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (let place = path; ;) {
    const content = await files.read(place);
    if (content === undefined) return claims;
    const claim = parse(content.toString('utf8'));
    claims.push(claim);
    place = heirOf(path, claim);
  }
}

function heirOf(path: string, { id }: Claim): string {
  return `${path}.after-${id}`;
}

/** What cannot be read is nobody's. */
function parse(content: string): Claim {
  const match = /^\{"pid":(\d+),"start":"(\d*)","id":"([a-z2-7]+)"\}$/.exec(content);
  return { pid: Number(match?.[1] ?? 0), start: match?.[2] ?? '', id: match?.[3] ?? 'nobody' };
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function busy({ pid }: Claim): TorchpassError {
  return new TorchpassError(
    'AGENT_BUSY',
    `Another torchpass-agent (process ${pid}) is at work in the same storage folder.`,
    {
      hint: 'Wait until it has finished, or give this one a --storage.path of its own.',
    },
  );
}

function unwritable(path: string, cause: unknown): TorchpassError {
  return new TorchpassError('FILE_UNWRITABLE', `Cannot write ${path}: ${reasonOf(cause)}.`, {
    cause,
    hint: 'Run as a user who may write there.',
  });
}
