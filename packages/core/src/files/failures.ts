import { reasonOf, systemCodeOf, TorchpassError } from '../errors/error.ts';

/** Runs `work`, which reads; `none` when the file or folder is not there. Errors: FILE_UNREADABLE. */
export async function reading<T, N>(path: string, work: () => Promise<T>, none: N): Promise<T | N> {
  try {
    return await work();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return none;
    throw new TorchpassError('FILE_UNREADABLE', `Cannot read ${path}: ${reasonOf(error)}.`, {
      cause: error,
      ...(isDenied(error) ? { hint: 'Run as a user who may read it.' } : {}),
    });
  }
}

/** Runs `work`, which changes `path`. What the system did not refuse (a simulated crash, our own error) passes unchanged. */
export async function changing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    throw new TorchpassError('FILE_UNWRITABLE', `Cannot write ${path}: ${reasonOf(error)}.`, {
      cause: error,
      hint: adviceFor(error),
    });
  }
}

function adviceFor(error: unknown): string {
  if (isDenied(error)) return 'Run as a user who may write there.';
  switch (systemCodeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'Make room on that file system, then try again.';
    case 'EROFS':
      return 'The file system is read-only: mount it writable, or choose another place.';
    default:
      return 'Look at that path and its file system, then try again.';
  }
}

function isDenied(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'EACCES' || code === 'EPERM';
}
