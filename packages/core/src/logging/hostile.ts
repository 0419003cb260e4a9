/** What the logger itself writes; a field of the same name would speak in its place. */
const OWN_KEYS = new Set(['ts', 'level', 'msg']);

/** Fields under names that end no line and no pair, and that are not the logger's own. */
export function safeKeys(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [safeKey(key), value]));
}

function safeKey(key: string): string {
  const safe = key.replace(/[^\w.-]/g, '_');
  return OWN_KEYS.has(safe) || safe === '' ? `field_${safe}` : safe;
}

/**
 * Control characters that JSON leaves as they are (C1, which terminals obey), line separators, what changes the direction of
 * text, and what no font shows; not the end of the line. They can only be inside quotes, where \u stands for them.
 */
const INVISIBLE = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu;

/** `line` with all that is invisible as \u escapes; still the same JSON or logfmt. */
export function escapeInvisible(line: string): string {
  return line.replace(INVISIBLE, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${hex4(character.charCodeAt(at))}`).join(''),
  );
}

function hex4(unit: number): string {
  return unit.toString(16).padStart(4, '0');
}
