import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCodeOf, nodeFiles, toTorchpassError } from '@torchpass/core';
import { HELP, readOptions } from './options.ts';
import { runQuickstart } from './quickstart.ts';
import { createSteps } from './steps.ts';

const checkout = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
// Nobody reads any more: the terminal is closed, or the other end of a pipe has ended. Unhandled, it would end us on the spot.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort('output closed'));

try {
  const options = readOptions(process.argv.slice(2), checkout, process.env['INIT_CWD'] ?? process.cwd());
  if (options === undefined) process.stdout.write(HELP);
  else await runQuickstart(options, { checkout, files: nodeFiles(), steps: createSteps(), signal: stop.signal });
} catch (reason) {
  const error = toTorchpassError(reason);
  process.stderr.write(
    `\nnpm start: ${error.code === 'INTERNAL' && reason !== error ? String(reason) : error.sentence}\n`,
  );
  process.exitCode = exitCodeOf(error);
}
