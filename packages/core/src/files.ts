import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { reasonOf, systemCodeOf, TorchpassError } from './errors/error.ts';

export interface Owner {
  uid: number;
  gid: number;
}

export interface Permissions {
  /** Permission bits, for example 0o640; exact, whatever the umask. */
  mode: number;
  /** Left as the process creates it when absent. */
  owner?: Owner | undefined;
}

export interface FileContent extends Permissions {
  data: string | Uint8Array;
}

/**
 * The file-system seam. Every change that another program may see is whole: a reader finds the old state or the new
 * one, also after a crash or a power cut. One writer for each path: staging names are fixed, so that a
 * crash leaves nothing that the next write does not replace.
 */
export interface Files {
  /** Content, or undefined when there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
  /** Names in a folder, sorted, without staging names; none when there is no such folder. */
  list(path: string): Promise<string[]>;
  /** Replaces `path`: staged, fsync, rename, fsync of the folder. Staged beside it, or in `stageIn` on the same file system. */
  write(path: string, file: FileContent, stageIn?: string): Promise<void>;
  /** Makes a whole folder appear at once. Fails when `path` exists and is not empty. */
  writeFolder(path: string, files: Record<string, FileContent>, permissions: Permissions): Promise<void>;
  /** Makes a folder and its parents; sets permissions only on what it made. */
  makeFolder(path: string, permissions: Permissions): Promise<void>;
  /** Removes a file or a folder with its content; no error when it is not there. */
  remove(path: string): Promise<void>;
}

/** One primitive step that changes the file system, named for crash tests. */
export type FileStep = 'make-folder' | 'stage' | 'rename' | 'sync-folder' | 'remove';

const STAGED_SUFFIX = '.torchpass-new';

/** The real file system. `beforeStep` is called before each primitive step; crash tests throw from it. */
export function nodeFiles(beforeStep: (step: FileStep, path: string) => void = () => undefined): Files {
  const steps = primitives(beforeStep);
  return {
    read: (path) => readOr(path, () => readFile(path), undefined),
    list: (path) =>
      readOr(path, async () => (await readdir(path)).filter((name) => !name.endsWith(STAGED_SUFFIX)).toSorted(), []),

    write: (path, file, stageIn = dirname(path)) =>
      changing(path, async () => {
        const staged = join(stageIn, `.${basename(path)}${STAGED_SUFFIX}`);
        await steps.stage(staged, file);
        await steps.replace(staged, path);
        await steps.syncFolder(dirname(path));
      }),

    writeFolder: (path, files, permissions) =>
      changing(path, async () => {
        const staged = join(dirname(path), `.${basename(path)}${STAGED_SUFFIX}`);
        await steps.remove(staged);
        await steps.makeFolder(staged, permissions);
        for (const [name, file] of Object.entries(files)) await steps.stage(join(staged, name), file);
        await steps.syncFolder(staged);
        await steps.replace(staged, path);
        await steps.syncFolder(dirname(path));
      }),

    makeFolder: (path, permissions) => changing(path, () => makeParents(path, permissions, steps)),
    remove: (path) => changing(path, () => steps.remove(path)),
  };
}

async function makeParents(
  path: string,
  permissions: Permissions,
  steps: ReturnType<typeof primitives>,
): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => absent(error));
  if (found !== undefined) return;
  if (dirname(path) !== path) await makeParents(dirname(path), permissions, steps);
  await steps.makeFolder(path, permissions);
  await steps.syncFolder(dirname(path));
}

function primitives(beforeStep: (step: FileStep, path: string) => void) {
  return {
    async makeFolder(path: string, permissions: Permissions) {
      beforeStep('make-folder', path);
      await mkdir(path).catch((error: unknown) => {
        if (systemCodeOf(error) !== 'EEXIST') throw error;
      });
      const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      try {
        await handle.chmod(permissions.mode);
        if (permissions.owner !== undefined) await handle.chown(permissions.owner.uid, permissions.owner.gid);
      } finally {
        await handle.close();
      }
    },

    /** Writes a new file that nobody reads yet. Created anew, closed to others, before it has content. */
    async stage(path: string, { data, mode, owner }: FileContent) {
      beforeStep('stage', path);
      await rm(path, { force: true });
      const handle = await open(
        path,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o600,
      );
      try {
        await handle.writeFile(data);
        if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
        await handle.chmod(mode);
        await handle.sync();
      } finally {
        await handle.close();
      }
    },

    async replace(from: string, to: string) {
      beforeStep('rename', to);
      await rename(from, to);
    },

    async syncFolder(path: string) {
      beforeStep('sync-folder', path);
      const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },

    async remove(path: string) {
      beforeStep('remove', path);
      await rm(path, { recursive: true, force: true });
    },
  };
}

function absent(error: unknown): undefined {
  if (systemCodeOf(error) === 'ENOENT') return undefined;
  throw error;
}

async function readOr<T, N>(path: string, work: () => Promise<T>, none: N): Promise<T | N> {
  try {
    return await work();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return none;
    throw new TorchpassError('FILE_UNREADABLE', `Cannot read ${path}: ${reasonOf(error)}.`, { cause: error });
  }
}

async function changing(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    throw new TorchpassError('FILE_UNWRITABLE', `Cannot write ${path}: ${reasonOf(error)}.`, {
      cause: error,
      hint: adviceFor(error),
    });
  }
}

function adviceFor(error: unknown): string {
  switch (systemCodeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'Make room on that file system; nothing was changed.';
    case 'EROFS':
      return 'The file system is read-only; nothing was changed.';
    case 'EACCES':
    case 'EPERM':
      return 'Run as a user who may write there.';
    default:
      return 'Nothing was changed.';
  }
}
