import { describe, expect, it } from 'vitest';
import { CAMPAIGNS } from './campaigns.ts';
import { run } from './run.ts';

/**
 * What strangers send, what operators write, and what lies on a disk, spoiled in every way: no crash, no hang, no unbounded
 * memory. `TORCHPASS_FUZZ_FACTOR=100` for a long run, `TORCHPASS_FUZZ_SEED` for another one. An input that does what it must
 * not is kept in the corpus, and every file of it is read each time.
 */
const SLOWEST_MS = 5000;
const MOST_GROWTH_MIB = 400;

describe('whatever is sent or written', () => {
  it.each(Object.entries(CAMPAIGNS))('%s', { timeout: 3_600_000 }, async (name, campaign) => {
    const outcome = await run(name, campaign);
    expect(outcome.inputs).toBeGreaterThanOrEqual(campaign.inputs);
    // Some of what is spoiled is still good: the reading went further than the first byte.
    expect(outcome.accepted).toBeGreaterThan(outcome.inputs / 1000);
    expect(outcome.slowestMs).toBeLessThan(SLOWEST_MS);
    expect(outcome.grownMiB).toBeLessThan(MOST_GROWTH_MIB);
  });
});

it('is more than eighty thousand inputs, beside those of the properties in packages/', () => {
  const total = Object.values(CAMPAIGNS).reduce((sum, { inputs }) => sum + inputs, 0);
  expect(total).toBeGreaterThanOrEqual(80_000);
});
