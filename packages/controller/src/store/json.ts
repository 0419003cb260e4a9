/** The JSON columns: written and read by us only, so a value of another shape is a damaged database. */

export const toJson = (value: readonly string[] | Readonly<Record<string, string>>): string => JSON.stringify(value);

export function listFrom(json: string): string[] {
  const value = parse(json);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new TypeError('a list of texts was expected in the database');
}

export function mapFrom(json: string): Record<string, string> {
  const value = parse(json);
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isMap && Object.values(value).every((item) => typeof item === 'string')) return value as Record<string, string>;
  throw new TypeError('a map of texts was expected in the database');
}

/** Undefined, which is neither a list nor a map, when it is not JSON at all. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
