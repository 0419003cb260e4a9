import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { FileContent, Permissions } from './files.ts';

/** One primitive step that changes the file system, named for crash tests. */
export type FileStep = 'make-folder' | 'stage' | 'rename' | 'sync-folder' | 'remove';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * The primitive steps. Permissions are set through an open handle of something made here and never followed through a
 * link, so that nobody who can write to the folder makes us open up a file of theirs.
 */
export function fileSteps(beforeStep: (step: FileStep, path: string) => void) {
  return {
    /** Closed to others until it has its owner and mode. Fails when something is there. */
    async makeFolder(path: string, permissions: Permissions) {
      beforeStep('make-folder', path);
      await mkdir(path, { mode: 0o700 });
      await withHandle(await open(path, FOLDER | constants.O_NOFOLLOW), (handle) => permit(handle, permissions));
    },

    /** Writes a new file that nobody reads yet. Created anew, closed to others, before it has content. */
    async stage(path: string, file: FileContent) {
      beforeStep('stage', path);
      await rm(path, { force: true });
      await withHandle(await open(path, NEW_FILE, 0o600), async (handle) => {
        await handle.writeFile(file.data);
        await permit(handle, file);
        await handle.sync();
      });
    },

    async replace(from: string, to: string) {
      beforeStep('rename', to);
      await rename(from, to);
    },

    async syncFolder(path: string) {
      beforeStep('sync-folder', path);
      await withHandle(await open(path, FOLDER), (handle) => handle.sync());
    },

    async remove(path: string) {
      beforeStep('remove', path);
      await rm(path, { recursive: true, force: true });
    },
  };
}

export type FileSteps = ReturnType<typeof fileSteps>;

/** The owner first: with the mode first, the wrong group would have it for a moment. */
async function permit(handle: FileHandle, { mode, owner }: Permissions): Promise<void> {
  if (owner !== undefined) await handle.chown(owner.uid, owner.gid);
  await handle.chmod(mode);
}

async function withHandle(handle: FileHandle, work: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(handle);
  } finally {
    await handle.close();
  }
}
