import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

const KEYS = ['storage_path', 'listen_address', 'log_level', 'log_format', 'ca'];

it.each([
  ['storage_pth', 'storage_path'],
  ['listen-adress', 'listen_address'],
  ['LOG_LEVEL', 'log_level'],
  ['log_fromat', 'log_format'],
  ['cb', 'ca'],
])('%s was meant to be %s', (word, meant) => {
  expect(nearest(word, KEYS)).toBe(meant);
});

it.each(['', 'x', 'to', 'password', 'completely_different', 'x'.repeat(1_000_000)])(
  '%.30s is not a slip of any',
  (word) => {
    expect(nearest(word, KEYS)).toBeUndefined();
  },
);

it('has nothing to offer of nothing', () => {
  expect(nearest('log_level', [])).toBeUndefined();
});

it('finds a word that lost, gained or changed one letter', () => {
  const word = fc.constantFrom('storage_path', 'listen_address', 'log_level');
  fc.assert(
    fc.property(word, fc.nat(), fc.constantFrom('lose', 'gain', 'change'), (meant, position, slip) => {
      const at = position % meant.length;
      const rest = meant.slice(slip === 'gain' ? at : at + 1);
      expect(nearest(meant.slice(0, at) + (slip === 'lose' ? '' : '~') + rest, KEYS)).toBe(meant);
    }),
  );
});
