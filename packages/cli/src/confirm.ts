import { createInterface } from 'node:readline/promises';
import { TorchpassError } from '@torchpass/core';
import type { Input, Output } from './world.ts';

/** Asks a person; anything but yes, also the end of the input and Ctrl-C, is a no. @throws USAGE where nobody can be asked */
export async function confirm(question: string, input: Input, output: Output): Promise<boolean> {
  if (input.isTTY !== true || output.isTTY !== true) {
    throw new TorchpassError('USAGE', 'This cannot be undone, and there is no terminal to ask on.', {
      hint: 'Repeat it with --yes if you are sure.',
    });
  }
  const asking = createInterface({ input, output, terminal: false });
  const stopped = new Promise<string>((resolve) => {
    asking.once('close', () => resolve(''));
  });
  try {
    const answer = await Promise.race([asking.question(`${question} [y/N] `), stopped]);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
