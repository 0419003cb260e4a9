/**
 * Whether a path matches a pattern of Go's filepath.Match: `*` and `?` stay within one segment. Classes in brackets are
 * taken as any one character, which is enough to find patterns that may meet a path.
 */
export function matchesGlob(path: string, pattern: string): boolean {
  const segments = path.split('/');
  const patterns = pattern.split('/');
  return segments.length === patterns.length && segments.every((segment, i) => matches(segment, patterns[i] ?? ''));
}

/** What Prometheus accepts in file_sd_configs: a `*` only in the last segment, and a known ending. Source: discovery/file. */
export function isFileSdPattern(pattern: string): boolean {
  return /^[^*]*(?:\*[^/]*)?\.(?:json|yml|yaml|JSON|YML|YAML)$/u.test(pattern);
}

/** Goes back to the last `*` only, so the time is bounded by the product of the lengths. */
function matches(segment: string, pattern: string): boolean {
  const characters = Array.from(segment);
  const tokens = pattern.match(/\[[^\]]+\]|./gsu) ?? [];
  let at = 0;
  let token = 0;
  let star: { token: number; at: number } | undefined;
  while (at < characters.length) {
    const wanted = tokens[token];
    if (wanted === '*') {
      token += 1;
      star = { token, at };
    } else if (wanted === '?' || wanted === characters[at] || (wanted?.length ?? 0) > 2) {
      token += 1;
      at += 1;
    } else if (star !== undefined) {
      star.at += 1;
      token = star.token;
      at = star.at;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every((rest) => rest === '*');
}
