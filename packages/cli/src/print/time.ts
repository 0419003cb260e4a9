const SECOND = 1000;
const UNITS = [
  { unit: 'day', ms: 86_400 * SECOND },
  { unit: 'hour', ms: 3600 * SECOND },
  { unit: 'minute', ms: 60 * SECOND },
  { unit: 'second', ms: SECOND },
] as const;

const words = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/** `in 6 days`, `3 minutes ago`, `now`: the largest unit that fits, cut off. `time` is RFC 3339. */
export function relative(time: string, now: Date): string {
  const left = new Date(time).getTime() - now.getTime();
  if (Number.isNaN(left)) return time;
  const fit = UNITS.find(({ ms }) => Math.abs(left) >= ms);
  return fit === undefined ? 'now' : words.format(Math.trunc(left / fit.ms), fit.unit);
}

/** `2026-01-08T10:00:00Z (in 6 days)`. */
export function absolute(time: string, now: Date): string {
  return `${time.replace(/\.\d+Z$/, 'Z')} (${relative(time, now)})`;
}
