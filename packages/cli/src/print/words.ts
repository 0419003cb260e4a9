import type { Colors } from './page.ts';

/** Labels as they are given on the command line: `env=prod team="a b"`; `-` for none. */
export function labelText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}=${/^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value)}`,
  );
  return listText(pairs, ' ');
}

/** `none`, where it matters, is what an empty list means. */
export function listText(items: readonly string[], separator = ', ', none = '-'): string {
  return items.length === 0 ? none : items.join(separator);
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

const GOOD = new Set(['usable', 'active', 'published']);
const BAD = new Set(['refused', 'rejected', 'revoked', 'quarantined']);

/** A state in its colour: green as it should be, red thrown out, yellow on the way. */
export function stateText(state: string, colors: Colors): string {
  if (GOOD.has(state)) return colors.green(state);
  return BAD.has(state) ? colors.red(state) : colors.yellow(state);
}
