import { Secret, TorchpassError } from '@torchpass/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeJoinToken, encodeJoinToken } from './join-token.ts';

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
const tokens = fc.record({
  id: fc.string({
    unit: fc.constantFrom(...Array.from('abcdefghijklmnopqrstuvwxyz234567')),
    minLength: 16,
    maxLength: 16,
  }),
  secret: bytes(20).map((secret) => new Secret(secret)),
  pins: fc.array(bytes(32), { minLength: 1, maxLength: 3 }),
});

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('join token', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const read = decodeJoinToken(` ${encodeJoinToken(token).reveal()}\n`);
        expect(read.id).toBe(token.id);
        expect(read.secret.reveal()).toEqual(token.secret.reveal());
        expect(read.pins).toEqual(token.pins);
      }),
    );
  });

  it('notices every changed, missing or added character, and never repeats the token', () => {
    fc.assert(
      fc.property(tokens, fc.nat(), fc.constantFrom('x', 'A', '.', ''), (token, at, replacement) => {
        const text = encodeJoinToken(token).reveal();
        const place = at % text.length;
        const changed = text.slice(0, place) + replacement + text.slice(place + 1);
        fc.pre(changed !== text);
        const error = thrownBy(() => decodeJoinToken(changed));
        expect(error).toBeInstanceOf(TorchpassError);
        expect(String(error)).not.toContain(text.slice(25, 50));
      }),
    );
  });

  it('answers anything else with TOKEN_MALFORMED', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 2000 }),
          fc.string().map((tail) => `tpjoin1.${tail}`),
        ),
        (text) => {
          expect(() => decodeJoinToken(text)).toThrow(expect.objectContaining({ code: 'TOKEN_MALFORMED' }));
        },
      ),
    );
  });
});
