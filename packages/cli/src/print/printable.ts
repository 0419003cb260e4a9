/**
 * A copy of `data` whose texts cannot steer a terminal: control characters (and those that turn the direction of writing)
 * are shown as `\u{…}`. Agents choose some of these texts. Line feeds and tabs stay.
 */
export function printable<T>(data: T): T {
  return copy(data) as T;
}

export function printableText(text: string): string {
  return text.replace(/[^\P{C}\n\t]|\p{Zl}|\p{Zp}/gu, (found) => `\\u{${found.codePointAt(0)?.toString(16) ?? ''}}`);
}

function copy(data: unknown): unknown {
  if (typeof data === 'string') return printableText(data);
  if (Array.isArray(data)) return data.map(copy);
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [printableText(key), copy(value)]));
}
