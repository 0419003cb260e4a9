import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Writes the generated code anew: packages/protocol/src/gen. Checked in, so that nobody needs the generator to build. */
const folder = dirname(fileURLToPath(import.meta.url));
const { status } = spawnSync('buf', ['generate', ...process.argv.slice(2)], { cwd: folder, stdio: 'inherit' });
process.exitCode = status ?? 1;
