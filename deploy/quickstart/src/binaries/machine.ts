import process from 'node:process';

export type Architecture = 'amd64' | 'arm64';

/** What the search for programs looks at; a test hands in another one. */
export interface Machine {
  /** Folders separated by colons, as in the environment's PATH. */
  path: string;
  /** The folder of apt's configuration; only read. */
  aptFolder: string;
  /** The os-release(5) file. */
  osRelease: string;
  /** By Debian's name; undefined when nobody builds for it. */
  architecture: Architecture | undefined;
  /** Where upstream's releases are, without a slash at the end. */
  upstream: string;
}

export function thisMachine(): Machine {
  return {
    path: process.env['PATH'] ?? '',
    aptFolder: '/etc/apt',
    osRelease: '/etc/os-release',
    architecture: { x64: 'amd64', arm64: 'arm64' }[process.arch as string] as Architecture | undefined,
    upstream: 'https://github.com/prometheus',
  };
}
