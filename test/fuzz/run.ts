import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { seededRandom } from '@torchpass/core/testing';
import { mutations, type Mutations } from './mutate.ts';

export interface Campaign {
  /** In CI; `TORCHPASS_FUZZ_FACTOR` multiplies it. */
  inputs: number;
  /** How inputs are made out of others. */
  mutation: keyof Mutations;
  /** Reads it. Ends, or throws what `isExpected` knows. */
  read: (input: Buffer) => unknown;
  isExpected: (error: unknown) => boolean;
}

export interface Outcome {
  inputs: number;
  accepted: number;
  slowestMs: number;
  /** How much more memory the process held at the end, in MiB. */
  grownMiB: number;
}

const CORPUS = join(import.meta.dirname, 'corpus');
const FACTOR = Number(process.env['TORCHPASS_FUZZ_FACTOR'] ?? 1);
const SEED = process.env['TORCHPASS_FUZZ_SEED'] ?? 'torchpass';
/** Changes on top of each other. */
const MOST_CHANGES = 6;

/**
 * Runs the campaign's files in `corpus/`, good ones and once bad ones, then inputs made of them. An input that does what it
 * must not is written into the corpus, and thrown.
 */
export async function run(corpus: string, { inputs, mutation, read, isExpected }: Campaign): Promise<Outcome> {
  const folder = join(CORPUS, corpus);
  const seeds = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  const random = seededRandom(`${SEED} ${corpus}`);
  const mutate = mutations(random)[mutation];
  const outcome: Outcome = { inputs: 0, accepted: 0, slowestMs: 0, grownMiB: 0 };
  const before = process.memoryUsage.rss();
  const attempt = async (input: Buffer) => {
    const started = performance.now();
    try {
      await read(input);
      outcome.accepted += 1;
    } catch (error) {
      if (!isExpected(error)) throw keep(folder, input, error);
    }
    outcome.inputs += 1;
    outcome.slowestMs = Math.max(outcome.slowestMs, performance.now() - started);
  };
  for (const seed of seeds) await attempt(seed);
  while (outcome.inputs < inputs * FACTOR) {
    let input: Buffer = seeds[Math.floor(random.fraction() * seeds.length)] ?? Buffer.alloc(0);
    for (let n = Math.floor(random.fraction() * MOST_CHANGES); n >= 0; n -= 1) input = mutate(input);
    await attempt(input);
  }
  outcome.grownMiB = (process.memoryUsage.rss() - before) / 2 ** 20;
  return outcome;
}

function keep(folder: string, input: Buffer, error: unknown): Error {
  const name = `found-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`;
  writeFileSync(join(folder, name), input);
  return new Error(`corpus/${name}, now kept, does what it must not: ${String(error)}`, { cause: error });
}
