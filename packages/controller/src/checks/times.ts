/** Sentences about times of a row that are not in this order; those that are null are left out. */
export function timesInOrder<K extends string>(row: Partial<Record<K, string | null>>, order: readonly K[]): string[] {
  const known = order.flatMap((name) => {
    const at = row[name];
    return at === null || at === undefined ? [] : [{ name, at: Date.parse(at) }];
  });
  return known.flatMap(({ name, at }, index) => {
    const before = known[index - 1];
    if (Number.isNaN(at)) return [`Its ${name} is no time.`];
    return before !== undefined && at < before.at ? [`Its ${name} is before its ${before.name}.`] : [];
  });
}
