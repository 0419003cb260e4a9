import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { describeError } from './describe-error.ts';
import { escapeInvisible, safeKeys } from './hostile.ts';
import { toLogfmt } from './logfmt.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['logfmt', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export type LogFields = Record<string, unknown>;

/**
 * A message is a constant sentence; everything that varies is a field. Values may be hostile: whatever they hold, an
 * entry is one line of visible characters, and its time, level and message are the program's own.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  level: LogLevel;
  format: LogFormat;
  /** Where lines go, standard error unless given. */
  write?: (line: string) => void;
}

/** A logger that writes one line for each entry, with its time in UTC. */
export function createLogger({
  level,
  format,
  write = (line) => void process.stderr.write(line),
}: LoggerOptions): Logger {
  const destination: DestinationStream = {
    write: (line) => write(escapeInvisible(format === 'json' ? line : toLogfmt(line))),
  };
  return wrap(
    pino(
      {
        level,
        base: null,
        messageKey: 'msg',
        timestamp: () => `,"ts":"${new Date().toISOString()}"`,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { error: describeError },
      },
      destination,
    ),
  );
}

/** For tests and for programs that must not speak. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLogger,
};

function wrap(logger: PinoLogger): Logger {
  return {
    debug: (message, fields = {}) => logger.debug(safeKeys(fields), message),
    info: (message, fields = {}) => logger.info(safeKeys(fields), message),
    warn: (message, fields = {}) => logger.warn(safeKeys(fields), message),
    error: (message, fields = {}) => logger.error(safeKeys(fields), message),
    with: (fields) => wrap(logger.child(safeKeys(fields))),
  };
}
