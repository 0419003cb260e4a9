import { nearest, TorchpassError } from '@torchpass/core';

/** Reads one of a few words. @throws USAGE that names the nearest one */
export function oneOf<const Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    const meant = nearest(text, words);
    const question = meant === undefined ? `It is one of ${words.join(', ')}.` : `Did you mean "${meant}"?`;
    throw new TorchpassError('USAGE', `${JSON.stringify(text.slice(0, 80))} is not known. ${question}`);
  };
}
