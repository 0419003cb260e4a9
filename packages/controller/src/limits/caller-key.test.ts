import { describe, expect, it } from 'vitest';
import { callerKey } from './caller-key.ts';

describe('callerKey', () => {
  it.each([
    ['198.51.100.7', '::ffff:198.51.100.7'],
    ['2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff'],
  ])('takes %s and %s for one caller', (one, other) => {
    expect(callerKey(one)).toBe(callerKey(other));
  });

  it.each([
    ['198.51.100.7', '198.51.100.8'],
    ['2001:db8:0:1::1', '2001:db8:0:2::1'],
    ['not an address', ''],
  ])('keeps %s and %s apart', (one, other) => {
    expect(callerKey(one)).not.toBe(callerKey(other));
  });
});
