import { TorchpassError, type Secret } from '@torchpass/core';
import type { Ask } from './passphrase.ts';

/** Asks twice, since nobody sees what is typed. Undefined for an empty answer. USAGE when the two differ. */
export async function askNew(ask: Ask, question: string): Promise<Secret | undefined> {
  const first = await ask(question);
  if (first.reveal() === '') return undefined;
  const again = await ask('The same again: ');
  if (again.reveal() === first.reveal()) return first;
  throw new TorchpassError('USAGE', 'The two passphrases are not the same; nothing was changed.', {
    hint: 'Run the command again.',
  });
}
