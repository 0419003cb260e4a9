/**
 * `build`, which remembers its last `limit` results, the least recently used forgotten first. Keyed by the bytes
 * themselves, not by the object: a buffer that was changed in between is another key. Failures are not remembered.
 */
export function remembering<T extends object>(
  limit: number,
  build: (bytes: Uint8Array) => T,
): (bytes: Uint8Array) => T {
  const known = new Map<string, T>();
  return (bytes) => {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const value = known.get(key) ?? build(bytes);
    known.delete(key);
    known.set(key, value);
    if (known.size > limit) {
      const [oldest] = known.keys();
      if (oldest !== undefined) known.delete(oldest);
    }
    return value;
  };
}
