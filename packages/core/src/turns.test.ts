import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Turns } from './turns.ts';

it('under one key one follows the other, in order, whatever fails; different keys go on at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), steps: fc.nat(5), fails: fc.boolean() })),
      async (jobs) => {
        const turns = new Turns();
        const begun: Record<string, number[]> = {};
        const busy = new Set<string>();
        const work = jobs.map(({ key, steps, fails }, number) =>
          turns.take(key, async () => {
            expect(busy.has(key)).toBe(false);
            busy.add(key);
            (begun[key] ??= []).push(number);
            for (let step = 0; step < steps; step += 1) await Promise.resolve();
            busy.delete(key);
            if (fails) throw new Error(`job ${number}`);
            return number;
          }),
        );
        const ends = await Promise.allSettled(work);
        expect(ends.map(({ status }) => status === 'rejected')).toEqual(jobs.map(({ fails }) => fails));
        for (const numbers of Object.values(begun)) expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      },
    ),
  );
});

it('does not wait for other keys', async () => {
  const turns = new Turns();
  const gate = Promise.withResolvers<string>();
  const slow = turns.take('a', () => gate.promise);
  expect(await turns.take('b', async () => 'b')).toBe('b');
  gate.resolve('a');
  expect(await slow).toBe('a');
});
