/** One JSON line as logfmt, as Prometheus writes it: `ts=… level=info msg="…" key=value`. */
export function toLogfmt(line: string): string {
  const { ts, level, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const pairs = Object.entries({ ts, level, msg, ...rest }).map(([key, value]) => `${key}=${logfmtValue(value)}`);
  return `${pairs.join(' ')}\n`;
}

/** Bare when nothing in it could be read as another pair, or not be seen; else as a JSON string. */
function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=\\\p{C}]+$/u.test(text) ? text : JSON.stringify(text);
}
