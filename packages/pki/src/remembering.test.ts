import { expect, test } from 'vitest';
import { remembering } from './remembering.ts';

test('memory is bounded, and what is used stays', () => {
  const built: number[] = [];
  const read = remembering(3, (bytes) => {
    built.push(bytes[0] ?? 0);
    return { bytes };
  });
  const once = read(Uint8Array.of(1));
  for (let other = 2; other < 100; other += 1) {
    read(Uint8Array.of(other));
    expect(read(Uint8Array.of(1))).toBe(once);
  }
  expect(built.filter((first) => first === 1)).toHaveLength(1);
  read(Uint8Array.of(2));
  expect(built.filter((first) => first === 2)).toHaveLength(2);
});

test('a failure is not remembered', () => {
  let attempts = 0;
  const read = remembering(3, () => {
    attempts += 1;
    if (attempts === 1) throw new Error('not yet');
    return {};
  });
  expect(() => read(Uint8Array.of(1))).toThrow('not yet');
  expect(() => read(Uint8Array.of(1))).not.toThrow();
});
