import type { Generation } from './generation.ts';
import type { Survey } from './survey.ts';
import { fits, type Wanted } from './wanted.ts';

/**
 * The generation on disk that should be in use, or undefined when a certificate has to be asked for.
 *
 * A pending key comes first: it belongs to a change that was begun and is to be finished, also when it was forced and the
 * old certificate would still do. A pending key without a generation means that an answer was lost: ask again.
 */
export function chooseGeneration(
  { generations, current, pending }: Survey,
  wanted: Wanted,
  now: Date,
): Generation | undefined {
  const fitting = generations.filter((generation) => fits(generation, wanted, now));
  if (pending !== undefined) return fitting.find(({ leaf }) => pending.belongsTo(leaf));
  if (wanted.renew) return undefined;
  return fitting.find(({ serial }) => serial === current?.serial) ?? fitting.at(-1);
}
