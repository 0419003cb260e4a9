import { fileURLToPath } from 'node:url';
import type { Exit, Running, StartOptions } from './processes.ts';
import { runToEnd, start } from './processes.ts';
import type { Scope } from './scope.ts';

/** The product's programs, as a user starts them: real processes from the sources. */
const MAINS = {
  'torchpass-controller': new URL('../../packages/controller/src/main.ts', import.meta.url),
  'torchpass-agent': new URL('../../packages/agent/src/main.ts', import.meta.url),
  torchpass: new URL('../../packages/cli/src/main.ts', import.meta.url),
};

export type Program = keyof typeof MAINS;

export function startProgram(scope: Scope, program: Program, args: readonly string[], options?: StartOptions): Running {
  return start(scope, process.execPath, [fileURLToPath(MAINS[program]), ...args], options);
}

/** Runs a program to its end; see the exit code in the answer. */
export function runProgram(
  scope: Scope,
  program: Program,
  args: readonly string[],
  options?: StartOptions & { withinMs?: number },
): Promise<Running & { exit: Exit }> {
  return runToEnd(scope, process.execPath, [fileURLToPath(MAINS[program]), ...args], options);
}
