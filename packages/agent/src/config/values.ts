import { isAbsolute, normalize } from 'node:path';
import {
  canonicalIp,
  type HostPort,
  isDnsName,
  isTorchpassError,
  parseDuration,
  parseHostPort,
  TorchpassError,
} from '@torchpass/core';

/** Readers for single values; each says in a sentence what is wrong. */

const LONGEST_PATH = 4096;
const LONGEST_METRICS_PATH = 256;

export function readAbsolutePath(text: string): string {
  if (isAbsolute(text) && text.length <= LONGEST_PATH && !/\p{Cc}/u.test(text)) return normalize(text);
  throw new TorchpassError('CONFIG_INVALID', `${JSON.stringify(text)} is not an absolute path.`, {
    hint: 'Begin it with a slash.',
  });
}

/** Where the controller is: `parseHostPort`, with examples of its own port. */
export function readController(text: string): HostPort {
  try {
    return parseHostPort(text);
  } catch (error) {
    if (!isTorchpassError(error)) throw error;
    throw new TorchpassError(error.code, error.message, {
      hint: 'Write HOST:PORT, for example monitor.example.org:7443, 198.51.100.7:7443 or [2001:db8::7]:7443.',
    });
  }
}

/** An address that Prometheus dials, without a port. */
export function readAdvertised(text: string): string {
  const lower = text.toLowerCase();
  const address = canonicalIp(lower) ?? (isDnsName(lower) ? lower : undefined);
  if (address !== undefined) return address;
  throw new TorchpassError('ADDRESS_INVALID', `${JSON.stringify(text)} is neither an IP address nor a DNS name.`, {
    hint: 'Write it without a port, for example 198.51.100.7 or metrics.example.org.',
  });
}

export function readMetricsPath(text: string): string {
  if (/^\/[^\s?#%\p{Cc}]*$/u.test(text) && text.length <= LONGEST_METRICS_PATH) return text;
  throw new TorchpassError('CONFIG_INVALID', `${JSON.stringify(text)} is not the path of a URL.`, {
    hint: 'For example /metrics; without spaces, ?, # and %.',
  });
}

/** A duration of at least a tenth of a second and at most ten minutes, in milliseconds. */
export function readPatience(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds >= 100 && milliseconds <= 600_000) return milliseconds;
  throw new TorchpassError('CONFIG_INVALID', `${text} is not between 100ms and 10m.`);
}
