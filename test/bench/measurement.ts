import type { Scope } from '../harness/scope.ts';

/** One line of the result: several samples of one quantity. */
export interface Row {
  what: string;
  unit: string;
  median: number;
  min: number;
  max: number;
  samples: number;
}

export interface Bench {
  /** Ends after this measurement. */
  scope: Scope;
  /** Short rounds, for trying the benchmark itself out. */
  quick: boolean;
  /** Counts from 0 up to `most` turns, two when it has to be quick; ends early, but not before the first, when the measurement's time is over. */
  turns: (most: number) => Iterable<number>;
  /** Tells what is being done, and facts that are no numbers. */
  say: (sentence: string) => void;
}

export interface Measurement {
  name: string;
  /** What it is about to do, in a sentence or two. */
  does: string;
  /** No turn begins after so many seconds. All measurements together take less than six minutes. */
  seconds: number;
  run: (bench: Bench) => Promise<Row[]>;
}

/** See `Bench`. */
export function* countTurns(most: number, seconds: number, begun = performance.now()): Iterable<number> {
  for (let turn = 0; turn < most; turn += 1) {
    if (turn > 0 && performance.now() - begun > seconds * 1000) return;
    yield turn;
  }
}

export function row(what: string, unit: string, samples: readonly number[]): Row {
  return {
    what,
    unit,
    median: median(samples),
    min: Math.min(...samples),
    max: Math.max(...samples),
    samples: samples.length,
  };
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** Linear between the two nearest samples. NaN of nothing. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
  return low + (high - low) * (place - Math.floor(place));
}

/** Three digits that mean something, and no exponent. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(digits, 3));
}
