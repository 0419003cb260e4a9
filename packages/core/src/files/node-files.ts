import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { changing, reading } from './failures.ts';
import type { Files } from './files.ts';
import { makeFolders } from './make-folder.ts';
import { isStagingName, orDiscard, stagedPath } from './staging.ts';
import { fileSteps, type FileStep } from './steps.ts';

/** The real file system. `beforeStep` is called before each primitive step; crash tests throw from it. */
export function nodeFiles(beforeStep: (step: FileStep, path: string) => void = () => undefined): Files {
  const steps = fileSteps(beforeStep);
  return {
    read: (path) => reading(path, () => readFile(path), undefined),
    list: (path) =>
      reading(path, async () => (await readdir(path)).filter((name) => !isStagingName(name)).toSorted(), []),

    write: (path, file, stageIn = dirname(path)) =>
      changing(path, async () => {
        const staged = stagedPath(path, stageIn);
        await orDiscard(staged, async () => {
          await steps.stage(staged, file);
          await steps.replace(staged, path);
        });
        await steps.syncFolder(dirname(path));
      }),

    writeFolder: (path, files, permissions) =>
      changing(path, async () => {
        const staged = stagedPath(path, dirname(path));
        await orDiscard(staged, async () => {
          await steps.remove(staged);
          await steps.makeFolder(staged, permissions);
          for (const [name, file] of Object.entries(files)) await steps.stage(join(staged, name), file);
          await steps.syncFolder(staged);
          await steps.replace(staged, path);
        });
        await steps.syncFolder(dirname(path));
      }),

    makeFolder: (path, permissions) => changing(path, () => makeFolders(path, permissions, steps)),
    move: (from, to) =>
      changing(to, async () => {
        await steps.replace(from, to);
        await steps.syncFolder(dirname(to));
      }),

    remove: (path) => changing(path, () => steps.remove(path)),
  };
}
