import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Of util-linux. Other programs of this name do not know the flag. */
const WRAPPER = ['setpriv', '--pdeathsig', 'KILL'] as const;

/**
 * What to put before a command so that the kernel kills it when this process dies without ending it, as from SIGKILL.
 * Nothing where the machine cannot do that: then only an orderly end takes the programs along.
 */
export async function endsWithUs(): Promise<readonly string[]> {
  const [program, ...args] = WRAPPER;
  const trial = spawn(program, [...args, 'true'], { stdio: 'ignore' });
  return once(trial, 'exit').then(
    () => (trial.exitCode === 0 ? WRAPPER : []),
    () => [],
  );
}
