/**
 * Whether all of `text` fits `pattern`, in which `*` stands for any characters, none too, and everything else for itself. Goes
 * back to the last `*` only, so that the time is bounded by the product of the lengths.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let next = 0;
  let star: { next: number; at: number } | undefined;
  while (at < text.length) {
    if (pattern[next] === '*') {
      next += 1;
      star = { next, at };
    } else if (pattern[next] === text[at]) {
      next += 1;
      at += 1;
    } else if (star !== undefined) {
      star.at += 1;
      ({ next, at } = star);
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(next));
}

/** The same for DNS names, where `*` stays within one label, as in certificates: `*.example.org` is not `a.b.example.org`. */
export function matchesDnsGlob(pattern: string, name: string): boolean {
  const [patterns, labels] = [pattern.split('.'), name.split('.')];
  return patterns.length === labels.length && labels.every((label, index) => matchesGlob(patterns[index] ?? '', label));
}

/** The first pattern that fits; undefined when none does. */
export function findGlob(patterns: readonly string[], text: string): string | undefined {
  return patterns.find((pattern) => matchesGlob(pattern, text));
}
