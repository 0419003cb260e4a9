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
  /** A stream is written as it comes; when it fails, nothing was written. */
  data: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/**
 * The file-system seam. Every change that another program may see is whole: a reader finds the old state or the new
 * one, also after a crash or a power cut. One writer for each path: staging names are fixed, so that a
 * crash leaves nothing that the next write does not replace.
 *
 * Errors: FILE_UNREADABLE and FILE_UNWRITABLE, naming the path and the system's reason.
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
  /** Makes a folder and its parents, each with its permissions from the start; leaves alone what is there. */
  makeFolder(path: string, permissions: Permissions): Promise<void>;
  /** Renames a file onto another on the same file system. */
  move(from: string, to: string): Promise<void>;
  /** Removes a file or a folder with its content; no error when it is not there. */
  remove(path: string): Promise<void>;
}
