import type { LogFormat, LogLevel } from '@torchpass/core';
import type { CreateAgent } from '../agent.ts';

/** The world outside as a command meets it. */
export interface Io {
  createAgent: CreateAgent;
  out: (line: string) => void;
  err: (line: string) => void;
  /** The first line of standard input, at most `limit` characters. */
  readInput: (limit: number) => Promise<string>;
  /** `$CREDENTIALS_DIRECTORY`. */
  credentialsDirectory: string | undefined;
  /** Aborted when the process is asked to end. */
  signal: AbortSignal;
}

/** Options that every command takes, as typed. */
export interface CommonOptions {
  'config.file'?: string;
  'storage.path'?: string;
  controller?: string;
  hostName?: string;
  'log.level'?: LogLevel;
  'log.format': LogFormat;
}
