import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { unpackedPackages } from '@torchpass/quickstart';
import { runToEnd } from './processes.ts';
import type { Scope } from './scope.ts';
import { workspace } from './workspace.ts';

const CACHE = fileURLToPath(new URL('../../.cache', import.meta.url));
const LIBRARIES = ['usr/lib', 'usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu'];

export interface SoftHsm {
  /** Path of the PKCS #11 module. */
  module: string;
  /** Where its tokens are: one folder each. */
  tokens: string;
  /** Makes a token. */
  add(label: string, pin: string): Promise<void>;
}

/** SoftHSM2 as Debian packages it; from the network only when the cache does not have it. */
export async function unpackSoftHsm(report: (sentence: string) => void = () => undefined): Promise<string> {
  const packages = ['softhsm2', 'libsofthsm2', 'libsqlite3-0', 'libssl3'] as const;
  const { root } = await unpackedPackages('bookworm', packages, { cache: CACHE, report });
  return root;
}

/** Tokens of its own, in a folder that goes with the scope. This process and the programs that it starts see them. */
export async function startSoftHsm(scope: Scope): Promise<SoftHsm> {
  const root = await unpackSoftHsm();
  const folder = await workspace(scope);
  const [tokens, conf] = [join(folder, 'tokens'), join(folder, 'softhsm2.conf')];
  await mkdir(tokens);
  await writeFile(conf, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = conf;
  process.env['LD_LIBRARY_PATH'] = LIBRARIES.map((place) => join(root, place)).join(':');
  const module = join(root, 'usr/lib/softhsm/libsofthsm2.so');
  return {
    module,
    tokens,
    async add(label, pin) {
      const args = [
        '--init-token',
        '--free',
        '--module',
        module,
        '--label',
        label,
        '--so-pin',
        '98765432',
        '--pin',
        pin,
      ];
      const { exit, output } = await runToEnd(scope, join(root, 'usr/bin/softhsm2-util'), args);
      if (exit.code !== 0) throw new Error(output);
    },
  };
}
