import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration, roughDuration } from './duration.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['0w', 0],
    ['0s', 0],
    ['324ms', 324],
    ['3s', 3000],
    ['5m', 300_000],
    ['1h', HOUR],
    ['4d', 4 * DAY],
    ['4d1h', 4 * DAY + HOUR],
    ['14d', 14 * DAY],
    ['3w', 21 * DAY],
    ['3w2d1h', 23 * DAY + HOUR],
    ['10y', 3650 * DAY],
    ['1y1w1d1h1m1s1ms', 373 * DAY + HOUR + 61_001],
    ['90s', 90_000],
    ['007s', 7000],
    ['292y', 292 * 365 * DAY],
  ])('reads %s as Prometheus does', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each([
    // Not in its notation.

    '',
    ' ',
    '1',
    '00',
    '-1w',
    '+1w',
    '1.5d',
    'd',
    '1',
    's1',
    '1S',
    '1 s',
    ' 1s',
    '1s ',
    '1s\n',
    '1µs',
    '1us',
    '1M',
    // Out of order, or twice.
    '1m1h',
    '1h1h',
    '1ms1s',
    '1d1w',
    '1w1y',
    // More than Go's int64 nanoseconds.
    '294y',
    '200y10400w',
    '107675d',
    '2584200h',
    '9223372036855ms',
    `${'9'.repeat(400)}y`,
    '１s',
  ])('refuses %j as Prometheus does', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('gives back what formatDuration wrote', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_223_372_036_854 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it('adds up its parts', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.nat(100), fc.nat(9999), (d, h, m, ms) => {
        expect(parseDuration(`${d}d${h}h${m}m${ms}ms`)).toBe(d * DAY + h * HOUR + m * 60_000 + ms);
      }),
    );
  });
});

it.each([
  [0, '0s'],
  [-5, '0s'],
  [90_000, '1m30s'],
  [7 * DAY, '7d'],
  [400 * DAY, '400d'],
  [1.4, '1ms'],
])('formatDuration(%d) is %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

it.each([
  [999, '0s'],
  [45_678, '45s'],
  [2 * DAY + 3 * HOUR + 4000, '2d3h'],
  [-(2 * DAY + 3 * HOUR), '2d3h'],
  [HOUR + 1, '1h'],
  [DAY + 1000, '1d1s'],
])('roughDuration(%d) is %s', (milliseconds, text) => {
  expect(roughDuration(milliseconds)).toBe(text);
});
