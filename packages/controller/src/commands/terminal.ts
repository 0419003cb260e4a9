import { askHidden, Secret } from '@torchpass/core';
import type { Ask } from '../config/passphrase.ts';

/** The person at the terminal, if there is one: not under systemd, not in a pipe. */
export function personAtTerminal(): Ask | undefined {
  const { stdin: input, stderr: output } = process;
  if (!input.isTTY || !output.isTTY) return undefined;
  return async (question) => new Secret(await askHidden(question, { input, output }));
}
