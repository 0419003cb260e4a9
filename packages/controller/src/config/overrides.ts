/** Values from flags, in the file's own notation; they win over the file. */
export interface Overrides {
  storage_path?: string | undefined;
  listen_address?: string | undefined;
  advertise_address?: string | undefined;
  admin_listen_address?: string | undefined;
  log_level?: string | undefined;
  log_format?: string | undefined;
}

/** Where each value belongs in the file, and the flag that gives it. */
const PLACES = {
  storage_path: { path: ['storage_path'], flag: '--storage.path' },
  listen_address: { path: ['listen_address'], flag: '--listen-address' },
  advertise_address: { path: ['advertise_address'], flag: '--advertise-address' },
  admin_listen_address: { path: ['admin', 'listen_address'], flag: '--web.listen-address' },
  log_level: { path: ['log', 'level'], flag: '--log.level' },
  log_format: { path: ['log', 'format'], flag: '--log.format' },
} as const satisfies Record<keyof Overrides, { path: readonly string[]; flag: string }>;

const given = (overrides: Overrides) =>
  (Object.keys(PLACES) as (keyof Overrides)[]).flatMap((key) => {
    const value = overrides[key];
    return value === undefined ? [] : [{ ...PLACES[key], value }];
  });

/** The file's content with the flags' values in it. A section that is none stays, for the check to say so. */
export function applyOverrides(file: Record<string, unknown>, overrides: Overrides): Record<string, unknown> {
  const merged = { ...file };
  for (const { path, value } of given(overrides)) {
    const [key, inner] = path;
    const section = merged[key] ?? {};
    if (inner === undefined) merged[key] = value;
    else if (typeof section === 'object') merged[key] = { ...section, [inner]: value };
  }
  return merged;
}

/** The flag that gave the value at a place; undefined when it stands in the file. */
export function flagOf(place: readonly PropertyKey[], overrides: Overrides): string | undefined {
  return given(overrides).find(({ path }) => path.join('.') === place.join('.'))?.flag;
}
