import { TorchpassError } from './errors/error.ts';

const UNITS_MS = { y: 31_536_000_000, w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
const SHAPE = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Go's time.Duration counts nanoseconds in 63 bits: about 292 years. */
const LONGEST_MS = Number((2n ** 63n - 1n) / 1_000_000n);

/**
 * Milliseconds of a duration in Prometheus's notation: `1h30m`, `7d`, `250ms`; units descend and appear once, and only
 * zero needs none. Errors: CONFIG_INVALID. Source: prometheus/common model.ParseDuration.
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const match = text === '' ? null : SHAPE.exec(text);
  if (match === null) {
    throw new TorchpassError('CONFIG_INVALID', `${quoted(text)} is not a duration.`, {
      hint: 'Write it as Prometheus does, for example 30s, 1h30m or 7d.',
    });
  }
  const units = Object.values(UNITS_MS);
  const total = units.reduce((sum, unit, index) => sum + Number(match[index + 1] ?? 0) * unit, 0);
  if (total > LONGEST_MS) {
    throw new TorchpassError('CONFIG_INVALID', `The duration ${quoted(text)} is too long.`, {
      hint: 'Prometheus knows durations up to about 292 years.',
    });
  }
  return total;
}

/** The same notation, largest units first; no years or weeks, which people misread. */
export function formatDuration(milliseconds: number): string {
  let left = Math.max(0, Math.round(milliseconds));
  if (left === 0) return '0s';
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(left / UNITS_MS[unit]);
    if (count > 0) text += `${count}${unit}`;
    left -= count * UNITS_MS[unit];
  }
  return text;
}

/** For people: the two largest units, `2d3h`, `45s`. */
export function roughDuration(milliseconds: number): string {
  const absolute = Math.abs(milliseconds);
  if (absolute < 1000) return '0s';
  const rounded = absolute - (absolute % 1000);
  return /^(?:\d+[a-z]+){1,2}/.exec(formatDuration(rounded))?.[0] ?? '0s';
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
