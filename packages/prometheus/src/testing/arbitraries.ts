import * as fc from 'fast-check';

/** Characters that mean something to YAML, JSON, Prometheus or a terminal. */
const nasty = fc.oneof(
  fc.constantFrom(...Array.from(`"'\\{}[]:,#&*!|>%@\`$ -?~=<é😀`)),
  fc.constantFrom('\u00A0', '\uFEFF', 'null', 'yes', '0x1'),
);

/** Any text that is allowed in a value. */
export const valueText = fc
  .array(fc.oneof(nasty, fc.string({ minLength: 1, maxLength: 4 })), { maxLength: 12 })
  .map((parts) => parts.join('').replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu, ''));

export const labelName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/).filter((name) => !name.startsWith('__'));

export const absolutePath = valueText.map((text) => `/${text}`);

/** Good text with a piece cut out and something else put in, or no text of the kind at all. */
export function broken(good: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), nasty);
  const spliced = fc.tuple(good, fc.nat(), fc.nat(40), anything).map(([text, at, length, put]) => {
    const start = at % (text.length + 1);
    return text.slice(0, start) + put + text.slice(start + length);
  });
  return fc.oneof(anything, { arbitrary: spliced, weight: 5 }, fc.json());
}
