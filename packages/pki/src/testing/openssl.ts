import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs the openssl command line in a folder with `files`, gives its standard output. `{name}` in an argument becomes the
 * path of that file; `{out}` that of a file whose content is given back in `out`.
 */
export function openssl(args: readonly string[], files: Record<string, string | Uint8Array> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'torchpass-openssl-'));
  try {
    for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data, { mode: 0o600 });
    const full = args.map((argument) => argument.replace(/\{(\w+)\}/g, (_, name: string) => join(folder, name)));
    const text = execFileSync('openssl', full, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return {
      text,
      out: args.some((argument) => argument.includes('{out}')) ? readFileSync(join(folder, 'out')) : Buffer.alloc(0),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
